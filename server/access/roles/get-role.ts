/** Reads one custom role. */
import { isFault } from "../../../core/faults.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atRole, knownRole } from "./find.ts";
import { render, roleOutput } from "./model.ts";

export const getRole = operation({
  name: "roles.get",
  summary: "Read a custom role",
  kind: "read",
  method: "GET",
  path: "/v1/roles/{id}",
  status: 200,
  input: strict({ id }),
  output: roleOutput,
  permission: "roles:read",
  scope: "tenant",
  target: atRole,
  run: async (tx, input) => {
    const role = await knownRole(tx, input.id);
    return isFault(role) ? role : render(role);
  },
});
