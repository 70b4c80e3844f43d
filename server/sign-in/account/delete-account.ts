/**
 * Deletes a human's account, in one transaction: what proves them, where they are signed in, what applications hold, what they belong to in
 * every tenant. What stays is an id without a name, which the log still refers to.
 */
import { fault, isFault, type Result } from "../../../core/faults.ts";
import { principalRef } from "../../../core/ids.ts";
import { removeCredentials } from "../../credentials/second-factors.ts";
import { emit } from "../../events/store.ts";
import { principalVersion } from "../../platform/cache/fresh-cache.ts";
import { tenantsOf } from "../../principals/memberships/store.ts";
import { ownAttribution } from "../../sessions/attribution.ts";
import { endSessionsOf } from "../../sessions/end-session.ts";
import type { SignIn } from "../needs.ts";
import { holdAccount } from "../store.ts";
import { transactionOrUndone, undo } from "../undo.ts";
import { refusedAs } from "./change-password.ts";
import { endIn } from "./leave-tenant.ts";
import { anonymise, forgetInvitations, forgetTraces, inTenant } from "./store.ts";
import { type Asking, note, withAccount } from "./visit.ts";

/** Confirmed by the password; where there is none, by a fresh proof. */
export const deleteAccount = async (needs: SignIn, asking: Asking, password: string): Promise<Result<void>> => {
  const { session, request } = asking;
  const account = await withAccount(needs, asking, async (_tx, held) => held);
  if (isFault(account)) return account;
  const unproven = await refusedAs(needs, asking, account, password);
  if (unproven !== undefined) return unproven;

  return transactionOrUndone<void>(needs.platform.database, session.home, async (tx) => {
    const now = needs.platform.clock.now();
    const held = await holdAccount(tx, session.user);
    if (held === undefined || held.password !== account.password)
      throw undo(fault("invalid_credentials", "the account has changed meanwhile; try again"));
    const tenants = await tenantsOf(tx, session.user);
    // First, while it can still be seen where the human belongs: every process must hear of it.
    const ending = { reason: "user_deleted", now, requestId: request.requestId, offline: true } as const;
    await endSessionsOf(tx, session.user, ending);
    for (const tenant of tenants) {
      const refused = await endIn(needs, tx, asking, tenant, now);
      if (refused !== undefined) throw undo(refused);
      await inTenant(tx, tenant, (there) => forgetInvitations(there, session.user));
    }
    await removeCredentials(tx, session);
    await forgetTraces(tx, session.user);
    if (!(await anonymise(tx, session.user, new Date(now)))) throw undo(fault("not_found", "there is no such account"));
    tx.touch(principalVersion(session.home, session.user));
    await note(tx, asking, "delete", now);
    const subject = principalRef("human", session.user);
    const attribution = ownAttribution(session, request.requestId);
    await emit(tx, { type: "user.deleted", subject, data: { tenants } }, attribution, now);
    return undefined;
  });
};
