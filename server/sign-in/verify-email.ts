/**
 * The link of a mail proves an address; the password proves that whoever opens it is who registered. Both together sign in. Without the
 * password, somebody could register another's address and wait for them to open the mail.
 */
import { isFault, type Result } from "../../core/faults.ts";
import { rootNode, type TenantId } from "../../core/ids.ts";
import { insertAssignment } from "../authority/assignments-store.ts";
import { peekMailLink, readMailLink, useMailLink } from "../credentials/mail-links/mail-links.ts";
import { emit } from "../events/store.ts";
import { principalVersion } from "../platform/cache/fresh-cache.ts";
import type { Tx } from "../platform/database/database.ts";
import { newId } from "../platform/random.ts";
import { insertMembership } from "../principals/memberships/store.ts";
import { ownAttribution } from "../sessions/attribution.ts";
import type { Session } from "../sessions/model.ts";
import { completeFirstFactor, endOther } from "./complete.ts";
import { byPassword } from "./factors.ts";
import { countGuess } from "./guess-limits.ts";
import { countLink, linkExpired } from "./links.ts";
import type { SignedIn, SignIn, Visit } from "./needs.ts";
import { wrongCredentials } from "./prove-password.ts";
import { record } from "./record.ts";
import { admits } from "./self-register.ts";
import { type Account, holdAccount, isMember, markEmailVerified } from "./store.ts";
import { dropWhatStrangersLeft } from "./strangers.ts";
import { transactionOrUndone, undo } from "./undo.ts";

const purpose = "verify_email";

export type LinkShown = { readonly email: string; readonly tenant: TenantId };

/** Whether the link could still be used, for the page that asks for the password. Uses nothing up. */
export const checkVerifyLink = async (
  needs: SignIn,
  { link, request }: { readonly link: string; readonly request: Visit },
): Promise<Result<LinkShown>> => {
  const { database, clock } = needs.platform;
  const refused = await countLink(needs, request);
  if (refused !== undefined) return refused;
  const presented = readMailLink(link);
  if (presented === undefined) return linkExpired();
  const found = await database.transaction(presented.tenant, (tx) => peekMailLink(tx, presented, purpose, clock.now()));
  return found === undefined ? linkExpired() : { email: found.email, tenant: presented.tenant };
};

export type Verification = {
  /** The `link` of the mail's URL. */
  readonly link: string;
  readonly password: string;
  readonly request: Visit;
  readonly current?: Session | undefined;
};

/** `link_expired` where the link is used up, expired, or none of ours; a wrong password leaves it as it is. */
export const verifyEmail = async (needs: SignIn, given: Verification): Promise<Result<SignedIn>> => {
  const { request, current } = given;
  const { database, clock } = needs.platform;
  const refused = await countLink(needs, request);
  if (refused !== undefined) return refused;
  const link = readMailLink(given.link);
  if (link === undefined) return linkExpired();
  const account = await database.transaction(link.tenant, async (tx) => {
    const found = await peekMailLink(tx, link, purpose, clock.now());
    return found && holdAccount(tx, found.user);
  });
  if (account === undefined || !account.stands) return linkExpired();
  const guess = await countGuess(needs, account.email, request);
  if (isFault(guess)) return guess;
  const verified = await needs.hasher.verify(account.password, given.password);
  if (isFault(verified)) {
    await guess.unseen();
    return verified;
  }
  if (!verified.matches) return wrongCredentials();
  await guess.right();

  const now = clock.now();
  const { home } = account;
  const answer = await transactionOrUndone(database, home, async (tx): Promise<Result<SignedIn>> => {
    const used = await useMailLink(tx, link, purpose, now);
    const before = used && (await holdAccount(tx, used.user));
    if (used === undefined || !(await markEmailVerified(tx, used.user, used.email, new Date(now))))
      return linkExpired();
    if (before?.verified === false && !before.member)
      await dropWhatStrangersLeft(tx, { home, user: used.user }, request, now);
    const proven = await holdAccount(tx, used.user);
    // Registered once more in between, with another password.
    if (proven === undefined || proven.password !== account.password) throw undo(linkExpired());
    await record(tx, { action: "sign-in.verify-email", outcome: "done", human: proven, request, now });
    const joined = await joinAsRegistered(needs, tx, proven, request, now);
    if (isFault(joined)) throw undo(joined);
    return completeFirstFactor(needs, tx, { account: proven, proof: byPassword, context: home, request, current, now });
  });
  if (!isFault(answer)) await endOther(needs, { current, home, request, now });
  return answer;
};

/** A member of the tenant from now on, with the role its policy names, where there is one. The policy is asked again. */
const joinAsRegistered = async (
  { model }: SignIn,
  tx: Tx,
  { home, user, email }: Account,
  request: Visit,
  now: number,
): Promise<Result<void>> => {
  if (await isMember(tx, user)) return undefined;
  const front = await admits(tx, home, email);
  if (isFault(front)) return front;
  const at = new Date(now);
  const node = { id: rootNode(home), type: front.type };
  const membership = newId<string>();
  await insertMembership(tx, {
    tenant: home,
    id: membership,
    user,
    home,
    node,
    revision: 1,
    createTime: at,
    updateTime: at,
  });
  const role = front.policy.self_registration_role;
  const given = role !== null && model.roles.has(role) ? role : null;
  if (given !== null)
    await insertAssignment(tx, {
      id: newId(),
      principal: { kind: "human", id: user },
      node: node.id,
      role: { name: given },
      propagation: "subtree",
      expireTime: null,
      now: at,
    });
  tx.touch(principalVersion(home, user));
  await emit(
    tx,
    { type: "membership.created", subject: `memberships/${membership}`, data: { user: `users/${user}`, role: given } },
    ownAttribution({ user }, request.requestId),
    now,
  );
  return undefined;
};
