/** Which humans an administrator may change the credentials of. */
import { type Fault, fault } from "../../core/faults.ts";
import { hostTenant } from "../../core/ids.ts";
import { heldBeyond, namesOf } from "../authority/held.ts";
import type { OperationContext } from "../operations/operation.ts";
import type { Tx } from "../platform/database/database.ts";
import { tenantsOf } from "../principals/memberships/store.ts";
import { platformIdentity, type User } from "../principals/users/model.ts";

/** Whom a provider vouches for has no credentials here; whom nobody lets in needs none. */
export const notManagedHere = (user: User): Fault | undefined => {
  if (user.identitySource !== platformIdentity)
    return fault("not_admissible", `the user signs in with \`${user.identitySource}\`, which keeps the credentials`);
  if (!user.signsIn) return fault("illegal_transition", "the user does not sign in; `users/{id}:openSignIn` lets them");
  return user.state === "active" ? undefined : fault("illegal_transition", `the user is ${user.state}`);
};

/**
 * Who sets or takes away what proves a human can come to be that human, so it must hold all that the human holds (invariant 8): here, and
 * wherever else the human is a member, which only the host can see.
 */
export const beyondActingAs = async (tx: Tx, user: User, context: OperationContext): Promise<Fault | undefined> => {
  const lacking = await heldBeyond(tx, { kind: "human", id: user.id }, context);
  const [first] = lacking;
  if (first !== undefined) {
    const detail = `the user holds what you, or the token you present, do not: ${namesOf(lacking)}`;
    return fault("permission_denied", detail, { permission: first });
  }
  if (context.caller.tenant === hostTenant || context.caller.principal.id === user.id) return undefined;
  const elsewhere = (await tenantsOf(tx, user.id)).some((tenant) => tenant !== tx.tenant);
  return elsewhere
    ? fault("permission_denied", "the user is a member of another tenant too, whose roles you do not hold", {
        permission: "users:reset",
      })
    : undefined;
};
