/**
 * Registers a human in a perimeter: the user, its first membership, and a role there where one is named. The caller is an administrator of
 * that perimeter, so it may be told that an address is taken.
 *
 * One who never signs in (`signs_in`) is a human of record for what those above them have done in their name: seed 003's enterprise-driven user.
 */
import Type from "typebox";
import { fault, isFault } from "../../../core/faults.ts";
import { formatRef, type PrincipalId } from "../../../core/ids.ts";
import { insertAssignment } from "../../authority/assignments-store.ts";
import { displayName, email, ref, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atParent } from "../../operations/targets.ts";
import { newId } from "../../platform/random.ts";
import { insertMembership } from "../memberships/store.ts";
import { activePerimeter, firstRole } from "../place.ts";
import { platformIdentity, render, type User, userOutput } from "./model.ts";
import { insertUser } from "./store.ts";

export const registerUser = operation({
  name: "users.create",
  summary: "Register a user, as a member of a perimeter",
  kind: "change",
  method: "POST",
  path: "/v1/users",
  status: 201,
  input: strict({
    parent: ref("the perimeter that manages the user, and that the user becomes a member of"),
    email,
    display_name: displayName,
    signs_in: Type.Optional(
      Type.Boolean({
        description:
          "false for one through whom others act, and who never signs in; `users/{id}:openSignIn` changes it",
      }),
    ),
    role: Type.Optional(
      Type.String({ minLength: 1, maxLength: 100, description: "a built-in role's name, or `roles/{uuid}`" }),
    ),
  }),
  output: strict({ ...userOutput.properties, membership: ref("memberships/{uuid}: the user's first") }),
  permission: "users:create",
  scope: "tenant",
  target: atParent,
  // Whoever listens and needs the address reads the user: personal data has no place in streams that are kept.
  event: (user, input) => ({
    type: "user.created",
    subject: user.resource,
    data: { parent: user.parent, identity_source: user.identity_source, role: input.role ?? null },
  }),
  run: async (tx, input, context) => {
    const { model, now } = context;
    const node = await activePerimeter(tx, model, input.parent);
    if (isFault(node)) return node;
    const role = await firstRole(tx, node.id, input.role, context);
    if (isFault(role)) return role;

    const at = new Date(now);
    const born = {
      tenant: tx.tenant,
      node: { id: node.id, type: node.type },
      revision: 1,
      createTime: at,
      updateTime: at,
    } as const;
    const user: User = {
      ...born,
      id: newId<PrincipalId>(),
      email: input.email,
      displayName: input.display_name,
      state: "active",
      signsIn: input.signs_in ?? true,
      identitySource: platformIdentity,
    };
    if (!(await insertUser(tx, user))) return fault("already_exists", `\`${input.email}\` is registered already`);
    const membership = newId<string>();
    await insertMembership(tx, { ...born, id: membership, user: user.id, home: tx.tenant });
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
    return { ...render(model, user), membership: formatRef("memberships", membership) };
  },
});
