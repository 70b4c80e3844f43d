/** Reads a tenant's face. The logo itself is served at its URL. */
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atItsRoot, theTenant } from "../of-tenant.ts";
import { brandingOutput, collection, render, unwritten } from "./model.ts";
import { findBranding } from "./store.ts";

export const getBranding = operation({
  name: "brandings.get",
  summary: "Read a tenant's name, colour and logo as its people see them",
  kind: "read",
  method: "GET",
  path: "/v1/brandings/{id}",
  status: 200,
  input: strict({ id }),
  output: brandingOutput,
  permission: "brandings:read",
  scope: theTenant,
  target: atItsRoot(collection),
  run: async (tx, _input, { issuer }) => render(issuer, tx.tenant, (await findBranding(tx)) ?? unwritten),
});
