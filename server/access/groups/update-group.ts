/** Renames or describes a group. Whom it is about is changed member by member. */
import Type from "typebox";
import { isFault } from "../../../core/faults.ts";
import { expectRevision, overtaken } from "../../operations/etag.ts";
import { displayName, id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { masked, updateMask } from "../../operations/update-mask.ts";
import { nameTaken } from "./create-group.ts";
import { atGroup, knownGroup } from "./find.ts";
import { description, groupOutput, render, told } from "./model.ts";
import { isNameFree, updateGroup as updateStored } from "./store.ts";

export const updateGroup = operation({
  name: "groups.update",
  summary: "Change a group's name or description",
  kind: "change",
  method: "PATCH",
  path: "/v1/groups/{id}",
  status: 200,
  input: strict({
    id,
    update_mask: updateMask,
    display_name: Type.Optional(displayName),
    description: Type.Optional(description),
  }),
  output: groupOutput,
  permission: "groups:update",
  scope: "tenant",
  target: atGroup,
  event: (group) => ({ type: "group.updated", subject: group.resource, data: told(group) }),
  run: async (tx, input, { model, now, ifMatch }) => {
    const group = await knownGroup(tx, input.id);
    if (isFault(group)) return group;
    const change = masked(input, ["display_name", "description"]);
    if (isFault(change)) return change;
    const expected = expectRevision(ifMatch, group.revision, "optional");
    if (isFault(expected)) return expected;
    const name = change.display_name;
    if (name !== undefined && !(await isNameFree(tx, group, name))) return nameTaken(name);
    if (!(await updateStored(tx, group.id, expected.revision, change, new Date(now)))) return overtaken();
    const after = await knownGroup(tx, input.id);
    return isFault(after) ? after : render(model, after);
  },
});
