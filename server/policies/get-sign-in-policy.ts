/** Reads what a tenant asks of the people who sign in to it. */
import { id, strict } from "../operations/fields.ts";
import { operation } from "../operations/operation.ts";
import { atItsRoot, theTenant } from "./of-tenant.ts";
import { collection, policyOutput, render, unwritten } from "./sign-in-policy.ts";
import { findPolicy } from "./store.ts";

export const getSignInPolicy = operation({
  name: "sign-in-policies.get",
  summary: "Read a tenant's sign-in policy",
  kind: "read",
  method: "GET",
  path: "/v1/sign-in-policies/{id}",
  status: 200,
  input: strict({ id }),
  output: policyOutput,
  permission: "sign-in-policies:read",
  scope: theTenant,
  target: atItsRoot(collection),
  run: async (tx) => render(tx.tenant, (await findPolicy(tx)) ?? unwritten),
});
