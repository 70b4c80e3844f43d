/**
 * Deletes a group, and in the same transaction what it was given and who was in it. It may have been given something where the one who
 * deletes it has no say: so whoever deletes it must be allowed to revoke every assignment and every grant of it where that is. The last who can assign roles in the tenant
 * stays one, also where that is through the group.
 */
import Type from "typebox";
import { type Fault, fault, isFault } from "../../../core/faults.ts";
import { formatRef, type GroupId, rootNode } from "../../../core/ids.ts";
import { contains } from "../../../core/model/permissions.ts";
import { flatten, holdGroupMembers } from "../../authority/group-members-store.ts";
import { keepingAssignerFrom } from "../../authority/keep-assigner.ts";
import { expectRevision, overtaken } from "../../operations/etag.ts";
import { id, strict } from "../../operations/fields.ts";
import { type OperationContext, operation } from "../../operations/operation.ts";
import type { Tx } from "../../platform/database/database.ts";
import { deleteAtRevision } from "../at-node-store.ts";
import { atGroup, knownGroup } from "./find.ts";
import { assignedTo, emptyGroup, grantedTo, principalsBelow } from "./members-store.ts";
import { groupOutput, render, told } from "./model.ts";
import { touchAll } from "./name-members.ts";
import { endBindings, holdAtRevision } from "./store.ts";

const ended = strict({
  role_assignments: Type.Integer(),
  resource_grants: Type.Integer(),
  members: Type.Integer(),
});

export const deleteGroup = operation({
  name: "groups.delete",
  summary: "Delete a group, with what it was given and who was in it",
  kind: "change",
  method: "DELETE",
  path: "/v1/groups/{id}",
  status: 200,
  input: strict({ id }),
  output: strict({ ...groupOutput.properties, ended }),
  permission: "groups:delete",
  scope: "tenant",
  target: atGroup,
  impact: ({ id: group }) => [{ beneficiary: formatRef("groups", group) }],
  event: (group) => ({
    type: "group.deleted",
    subject: group.resource,
    data: { ...told(group), ended: group.ended },
  }),
  run: (tx, input, context) =>
    keepingAssignerFrom(tx, context, async () => {
      await holdGroupMembers(tx);
      const group = await knownGroup(tx, input.id);
      if (isFault(group)) return group;
      const expected = expectRevision(context.ifMatch, group.revision, "optional");
      if (isFault(expected)) return expected;
      // Whoever is giving it something has finished, and that is seen, or has to wait, and finds it gone.
      if (!(await holdAtRevision(tx, group.id, expected.revision))) return overtaken();
      const refused = await checkRevoking(tx, group.id, context);
      if (refused !== undefined) return refused;

      const inIt = await principalsBelow(tx, [group.id]);
      const members = await emptyGroup(tx, group.id);
      await flatten(tx, inIt);
      const { assignments, grants } = await endBindings(tx, group.id);
      if (!(await deleteAtRevision(tx, "groups", group.id, expected.revision))) return overtaken();
      touchAll(
        tx,
        inIt.map((principal) => principal.id),
      );
      return {
        ...render(context.model, group),
        ended: { role_assignments: assignments, resource_grants: grants, members },
      };
    }),
});

const checkRevoking = async (tx: Tx, group: GroupId, context: OperationContext): Promise<Fault | undefined> => {
  const assigned = (await assignedTo(tx, [group])).map(([, , , , , node]) => node ?? rootNode(tx.tenant));
  const granted = (await grantedTo(tx, [group])).map(({ stored }) => stored[1]);
  return (
    (await lackingAt(assigned, "role-assignments:revoke", "an assignment", context)) ??
    (await lackingAt(granted, "resource-grants:revoke", "a grant", context))
  );
};

const lackingAt = async (
  nodes: Iterable<ReturnType<typeof rootNode>>,
  name: string,
  what: string,
  { model, heldAt }: OperationContext,
): Promise<Fault | undefined> => {
  const permission = model.vocabulary.get(name);
  for (const node of new Set(nodes)) {
    if (permission !== undefined && contains(await heldAt(node), permission)) continue;
    const detail = `${what} of the group would end where you, or the token you present, do not have \`${name}\`; have that revoked first`;
    return fault("permission_denied", detail, { permission: name });
  }
  return undefined;
};
