/**
 * Lets a user sign in who did not. It gives a human into whose name others have acted the means to act themselves, so it takes more than
 * closing it did: the permission throughout the tenant, since what the tenant has decided no client's administrator undoes, and, as for
 * whatever lets somebody come to be a user, all that the user holds (invariant 8). They come in by the link of `users.resetPassword`, unless
 * something they had before proves them.
 */
import { fault, isFault } from "../../core/faults.ts";
import { rootNode } from "../../core/ids.ts";
import { contains } from "../../core/model/permissions.ts";
import { heldThroughout } from "../authority/held.ts";
import { beyondActingAs } from "../credentials/find-human.ts";
import { expectRevision, overtaken } from "../operations/etag.ts";
import { id, strict } from "../operations/fields.ts";
import { operation } from "../operations/operation.ts";
import { principalVersion } from "../platform/cache/fresh-cache.ts";
import { tenantsOf } from "../principals/memberships/store.ts";
import { atUser, knownUser } from "../principals/users/find.ts";
import { render, userOutput } from "../principals/users/model.ts";
import { updateUser } from "../principals/users/store.ts";

const permission = "users:suspend";

export const openSignIn = operation({
  name: "users.openSignIn",
  summary: "Let a user sign in who did not",
  kind: "change",
  method: "POST",
  path: "/v1/users/{id}:openSignIn",
  status: 200,
  input: strict({ id }),
  output: userOutput,
  permission,
  scope: "tenant",
  target: atUser,
  event: (user) => ({ type: "user.sign-in-opened", subject: user.resource, data: { parent: user.parent } }),
  run: async (tx, input, context) => {
    const { model, now, ifMatch } = context;
    const user = await knownUser(tx, input.id);
    if (isFault(user)) return user;
    if (user.signsIn) return fault("illegal_transition", "the user signs in already");
    const wanted = model.vocabulary.get(permission);
    if (wanted === undefined || !contains(await heldThroughout(tx, rootNode(tx.tenant), context), wanted))
      return fault("permission_denied", `who lets somebody sign in must hold \`${permission}\` throughout the tenant`, {
        permission,
      });
    const beyond = await beyondActingAs(tx, user, context);
    if (beyond !== undefined) return beyond;
    const expected = expectRevision(ifMatch, user.revision, "optional");
    if (isFault(expected)) return expected;
    if (!(await updateUser(tx, user.id, expected.revision, { signs_in: true }, new Date(now)))) return overtaken();
    const tenants = await tenantsOf(tx, user.id);
    tx.touch(...new Set([tx.tenant, ...tenants]).values().map((tenant) => principalVersion(tenant, user.id)));
    const after = await knownUser(tx, input.id);
    return isFault(after) ? after : render(model, after);
  },
});
