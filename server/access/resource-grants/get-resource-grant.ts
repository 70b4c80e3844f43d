/** Reads one resource grant. */
import { isFault } from "../../../core/faults.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atGrant, knownGrant } from "./find.ts";
import { grantOutput, render } from "./model.ts";

export const getResourceGrant = operation({
  name: "resource-grants.get",
  summary: "Read a resource grant",
  kind: "read",
  method: "GET",
  path: "/v1/resource-grants/{id}",
  status: 200,
  input: strict({ id }),
  output: grantOutput,
  permission: "resource-grants:read",
  scope: "tenant",
  target: atGrant,
  run: async (tx, input, { model }) => {
    const grant = await knownGrant(tx, input.id);
    return isFault(grant) ? grant : render(model, grant);
  },
});
