/**
 * Ends a membership, and in the same transaction what was given to the user in that perimeter and below it: who no longer belongs keeps
 * no authority there, which therefore needs no permission of its own. What is given elsewhere in the tenant stands while another membership
 * does; with the last one everything ends. Whoever is the last who can assign roles in the tenant stays in it.
 */
import Type from "typebox";
import { isFault } from "../../../core/faults.ts";
import { formatRef } from "../../../core/ids.ts";
import { endWithMembership } from "../../authority/endings.ts";
import { keepingAssignerFrom } from "../../authority/keep-assigner.ts";
import { expectRevision, overtaken } from "../../operations/etag.ts";
import { id, ref, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atMembership, knownMembership } from "./find.ts";
import { membershipOutput, render } from "./model.ts";
import { deleteMembership as removeMembership } from "./store.ts";

const count = Type.Integer({ minimum: 0, description: "how many; only the last membership ends them" });

export const deleteMembership = operation({
  name: "memberships.delete",
  summary:
    "End a membership, and what the user was given in that perimeter and below; with the last one, in the tenant",
  kind: "change",
  method: "DELETE",
  path: "/v1/memberships/{id}",
  status: 200,
  input: strict({ id }),
  output: strict({
    ...membershipOutput.properties,
    ended_role_assignments: Type.Array(ref("role-assignments/{uuid}"), { description: "what has ended with it" }),
    ended_resource_grants: Type.Array(ref("resource-grants/{uuid}")),
    left_groups: Type.Array(ref("groups/{uuid}")),
    revoked_share_links: count,
    revoked_api_tokens: count,
    ended_authorizations: Type.Integer({
      minimum: 0,
      description: "how many clients' access on the user's behalf, which only the last membership ends",
    }),
  }),
  permission: "memberships:delete",
  scope: "tenant",
  target: atMembership,
  impact: ({ id: membership }) => [{ membership }],
  event: (ended) => ({
    type: "membership.deleted",
    subject: ended.resource,
    data: {
      user: ended.user,
      parent: ended.parent,
      ended_role_assignments: ended.ended_role_assignments,
      ended_resource_grants: ended.ended_resource_grants,
      left_groups: ended.left_groups,
      revoked_share_links: ended.revoked_share_links,
      revoked_api_tokens: ended.revoked_api_tokens,
      ended_authorizations: ended.ended_authorizations,
    },
  }),
  run: (tx, input, context) =>
    keepingAssignerFrom(tx, context, async () => {
      const { model, now, ifMatch } = context;
      const membership = await knownMembership(tx, input.id);
      if (isFault(membership)) return membership;
      const expected = expectRevision(ifMatch, membership.revision, "optional");
      if (isFault(expected)) return expected;
      if (!(await removeMembership(tx, membership.id, expected.revision))) return overtaken();
      const ended = await endWithMembership(tx, membership, membership.node.id, new Date(now));
      return {
        ...render(model, membership),
        ended_role_assignments: ended.assignments.map((one) => formatRef("role-assignments", one.id)),
        ended_resource_grants: ended.grants.map((grant) => formatRef("resource-grants", grant)),
        left_groups: ended.groups.map((group) => formatRef("groups", group)),
        revoked_share_links: ended.shareLinks,
        revoked_api_tokens: ended.apiTokens,
        ended_authorizations: ended.families,
      };
    }),
});
