/** Reads one group. */
import { isFault } from "../../../core/faults.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atGroup, knownGroup } from "./find.ts";
import { groupOutput, render } from "./model.ts";

export const getGroup = operation({
  name: "groups.get",
  summary: "Read a group",
  kind: "read",
  method: "GET",
  path: "/v1/groups/{id}",
  status: 200,
  input: strict({ id }),
  output: groupOutput,
  permission: "groups:read",
  scope: "tenant",
  target: atGroup,
  run: async (tx, input, { model }) => {
    const group = await knownGroup(tx, input.id);
    return isFault(group) ? group : render(model, group);
  },
});
