/**
 * Ends a membership, and in the same transaction what was assigned to the user in that perimeter and below it: who no longer belongs keeps
 * no authority there, which therefore needs no permission of its own. What is assigned elsewhere in the tenant stands.
 */
import Type from "typebox";
import { isFault } from "../../../core/faults.ts";
import { formatRef } from "../../../core/ids.ts";
import { deleteAssignmentsBelow } from "../../authority/assignments-store.ts";
import { expectRevision, overtaken } from "../../operations/etag.ts";
import { id, ref, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { principalVersion } from "../../platform/cache/fresh-cache.ts";
import { atMembership, knownMembership } from "./find.ts";
import { membershipOutput, render } from "./model.ts";
import { deleteMembership as removeMembership } from "./store.ts";

export const deleteMembership = operation({
  name: "memberships.delete",
  summary: "End a membership, and the user's role assignments in that perimeter and below",
  kind: "change",
  method: "DELETE",
  path: "/v1/memberships/{id}",
  status: 200,
  input: strict({ id }),
  output: strict({
    ...membershipOutput.properties,
    ended_role_assignments: Type.Array(ref("role-assignments/{uuid}"), { description: "what has ended with it" }),
  }),
  permission: "memberships:delete",
  scope: "tenant",
  target: atMembership,
  event: (ended) => ({
    type: "membership.deleted",
    subject: ended.resource,
    data: { user: ended.user, parent: ended.parent, ended_role_assignments: ended.ended_role_assignments },
  }),
  run: async (tx, input, { model, ifMatch }) => {
    const membership = await knownMembership(tx, input.id);
    if (isFault(membership)) return membership;
    const expected = expectRevision(ifMatch, membership.revision, "optional");
    if (isFault(expected)) return expected;
    if (!(await removeMembership(tx, membership.id, expected.revision))) return overtaken();
    const ended = await deleteAssignmentsBelow(tx, { kind: "human", id: membership.user }, membership.node.id);
    tx.touch(principalVersion(tx.tenant, membership.user));
    return {
      ...render(model, membership),
      ended_role_assignments: ended.map((one) => formatRef("role-assignments", one.id)),
    };
  },
});
