/**
 * Makes a user of this tenant a member of one more of its perimeters, with a role from the start where one is named.
 *
 * The user's home is this tenant: taking in somebody whose identity another tenant manages needs that human's consent, and so comes with
 * invitations.
 */
import Type from "typebox";
import { fault, isFault } from "../../../core/faults.ts";
import { parseRef, principalCollections, type PrincipalId } from "../../../core/ids.ts";
import { insertAssignment } from "../../authority/assignments-store.ts";
import { ref, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atParent, noSuch } from "../../operations/targets.ts";
import { principalVersion } from "../../platform/cache/fresh-cache.ts";
import { newId } from "../../platform/random.ts";
import { activePerimeter, firstRole } from "../place.ts";
import { holdUser } from "../users/store.ts";
import { type Membership, membershipOutput, render } from "./model.ts";
import { insertMembership } from "./store.ts";

export const createMembership = operation({
  name: "memberships.create",
  summary: "Make a user a member of a perimeter",
  kind: "change",
  method: "POST",
  path: "/v1/memberships",
  status: 201,
  input: strict({
    parent: ref("the perimeter"),
    user: ref("users/{uuid}"),
    role: Type.Optional(
      Type.String({ minLength: 1, maxLength: 100, description: "a built-in role's name, or `roles/{uuid}`" }),
    ),
  }),
  output: membershipOutput,
  permission: "memberships:create",
  scope: "tenant",
  target: atParent,
  impact: ({ user }) => [{ beneficiary: user }],
  event: (membership, input) => ({
    type: "membership.created",
    subject: membership.resource,
    data: { user: membership.user, parent: membership.parent, role: input.role ?? null },
  }),
  run: async (tx, input, context) => {
    const { model, now } = context;
    const node = await activePerimeter(tx, model, input.parent);
    if (isFault(node)) return node;
    const named = parseRef(input.user);
    const user =
      named?.collection === principalCollections.human ? await holdUser(tx, named.id as PrincipalId) : undefined;
    if (user === undefined) return noSuch(input.user);
    if (user.state !== "active") return fault("not_admissible", `\`${input.user}\` is ${user.state}`);
    const role = await firstRole(tx, node.id, input.role, context);
    if (isFault(role)) return role;

    const at = new Date(now);
    const membership: Membership = {
      tenant: tx.tenant,
      id: newId(),
      user: user.id,
      home: tx.tenant,
      node: { id: node.id, type: node.type },
      revision: 1,
      createTime: at,
      updateTime: at,
    };
    if (!(await insertMembership(tx, membership)))
      return fault("already_exists", `\`${input.user}\` is a member of \`${input.parent}\` already`);
    // The role may have been assigned there before; then there is nothing to add.
    if (role !== undefined) {
      const principal = { kind: "human", id: user.id } as const;
      await insertAssignment(tx, {
        id: newId(),
        principal,
        node: node.id,
        role: role.role,
        propagation: "subtree",
        expireTime: null,
        now: at,
      });
    }
    tx.touch(principalVersion(tx.tenant, user.id));
    return render(model, membership);
  },
});
