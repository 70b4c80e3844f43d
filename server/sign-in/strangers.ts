/**
 * An address is proven for the first time, of an account that was nobody's until then: whoever used it before, without ever proving it,
 * keeps no way in. Pre-hijacking (Sudhodanan and Paverd, USENIX Security 2022) is that what an attacker has left in an account outlives its
 * owner's arrival: a session, a second way of signing in, a link that changes the address.
 */
import type { Human } from "../credentials/human.ts";
import { endMailLinks } from "../credentials/mail-links/mail-links.ts";
import { removeSecondFactors } from "../credentials/second-factors.ts";
import type { Tx } from "../platform/database/database.ts";
import { endSessionsOf } from "../sessions/end-session.ts";
import { endApiTokens } from "./end-api-tokens.ts";
import type { Visit } from "./needs.ts";

/** In a transaction of the home, before a session begins. The password is the caller's to judge or to replace. */
export const dropWhatStrangersLeft = async (tx: Tx, human: Human, request: Visit, now: number): Promise<void> => {
  const { requestId } = request;
  await endSessionsOf(tx, human.user, { reason: "address_proven", now, requestId, offline: true });
  await endApiTokens(tx, human, request, now);
  await removeSecondFactors(tx, human);
  await endMailLinks(tx, human, "reset_password", now);
  await endMailLinks(tx, human, "verify_email", now);
};
