/**
 * Takes principals or groups out of a group: the permission is enough, one may take away more than one holds. The last who can assign roles in
 * the tenant stays one, also where that is through a group.
 */
import { formatRef } from "../../../core/ids.ts";
import Type from "typebox";
import { isFault } from "../../../core/faults.ts";
import { flatten, holdGroupMembers } from "../../authority/group-members-store.ts";
import { keepingAssignerFrom } from "../../authority/keep-assigner.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atGroup, knownGroup } from "./find.ts";
import { deleteMembers, principalsIn } from "./members-store.ts";
import { groupOutput, member, memberRef, members, render } from "./model.ts";
import { namedMembers, touchAll } from "./name-members.ts";

export const removeMembers = operation({
  name: "groups.removeMembers",
  summary: "Take principals or groups out of a group",
  kind: "change",
  method: "POST",
  path: "/v1/groups/{id}:removeMembers",
  status: 200,
  input: strict({ id, members }),
  output: strict({
    ...groupOutput.properties,
    removed: Type.Array(member, { description: "those that were in it" }),
  }),
  permission: "groups:update",
  scope: "tenant",
  target: atGroup,
  impact: ({ id: group }) => [{ beneficiary: formatRef("groups", group) }],
  event: ({ resource, removed }) =>
    removed.length === 0 ? [] : { type: "group.members_removed", subject: resource, data: { members: removed } },
  run: async (tx, input, context) => {
    const wanted = namedMembers(input.members);
    if (isFault(wanted)) return wanted;
    return keepingAssignerFrom(tx, context, async () => {
      await holdGroupMembers(tx);
      const group = await knownGroup(tx, input.id);
      if (isFault(group)) return group;
      const removed = await deleteMembers(tx, group.id, wanted);
      touchAll(tx, await flatten(tx, await principalsIn(tx, removed)));
      return { ...render(context.model, group), removed: removed.map(memberRef) };
    });
  },
});
