/**
 * An invitation by mail is accepted: by somebody new, who becomes a user of the inviting tenant, or by a human who is signed in, wherever
 * their home is. Membership and role are given by `fulfilInvitation`, once, and never more than the inviter still holds.
 */
import { fault, isFault, type Result } from "../../core/faults.ts";
import { hostTenant, parseRef, type PrincipalId, principalKindOf, type TenantId } from "../../core/ids.ts";
import { type Fulfilled, fulfilInvitation } from "../access/invitations/fulfil-invitation.ts";
import type { Invitation } from "../access/invitations/model.ts";
import { findInvitation } from "../access/invitations/store.ts";
import { writePassword } from "../credentials/passwords/store.ts";
import { emit } from "../events/store.ts";
import type { Tx } from "../platform/database/database.ts";
import { newId } from "../platform/random.ts";
import { type TenantFront, tenantFrontIn } from "../policies/front.ts";
import { collection, platformIdentity } from "../principals/users/model.ts";
import { findUser, insertUser } from "../principals/users/store.ts";
import { ownAttribution } from "../sessions/attribution.ts";
import type { Session } from "../sessions/model.ts";
import { digestOctets } from "../tokens/digest.ts";
import { type PresentedSecret, readSecret } from "../tokens/secret-text.ts";
import { hashNewPassword } from "./check-password.ts";
import { completeFirstFactor, endOther } from "./complete.ts";
import { byPassword } from "./factors.ts";
import { countLink, linkExpired } from "./links.ts";
import type { SignedIn, SignIn, Visit } from "./needs.ts";
import { record } from "./record.ts";
import { problemOf } from "./self-register.ts";
import { dropWhatStrangersLeft } from "./strangers.ts";
import {
  type Account,
  findAccount,
  holdAccount,
  holdNobodyYet,
  isMember,
  markEmailVerified,
  writeProfile,
} from "./store.ts";
import { transactionOrUndone, undo } from "./undo.ts";

/** What the page shows before it asks. Whoever holds the link reads the address's mail, and so may know of its account. */
export type InvitationShown = {
  readonly tenant: TenantId;
  readonly tenantName: string;
  readonly email: string;
  readonly displayName: string | null;
  /** Who invites; empty where that has no name to show. */
  readonly inviter: string;
  /** The address has an account already, which accepts the invitation once it is signed in. */
  readonly hasAccount: boolean;
};

type Open = { readonly invitation: Invitation; readonly front: TenantFront };

/** Pending, not expired, and of a tenant that is active. */
const openInvitation = async (tx: Tx, link: PresentedSecret, now: number): Promise<Open | undefined> => {
  const invitation = await findInvitation(tx, digestOctets(link.digest));
  const front = await tenantFrontIn(tx, tx.tenant);
  if (invitation === undefined || front?.state !== "active") return undefined;
  return invitation.state === "pending" && invitation.expireTime.getTime() > now ? { invitation, front } : undefined;
};

type LinkGiven = { readonly link: string; readonly request: Visit };

/** Uses nothing up. `link_expired` where it is used, revoked, expired or none of ours. */
export const readInvitation = async (needs: SignIn, given: LinkGiven): Promise<Result<InvitationShown>> => {
  const { database, clock } = needs.platform;
  const refused = await countLink(needs, given.request);
  if (refused !== undefined) return refused;
  const link = readSecret(given.link, ["invitation"]);
  if (link === undefined) return linkExpired();
  const shown = await database.transaction(link.tenant, async (tx) => {
    const open = await openInvitation(tx, link, clock.now());
    return open && { ...open, inviter: await nameOf(tx, open.invitation.invitedBy) };
  });
  if (shown === undefined) return linkExpired();
  const { invitation, front, inviter } = shown;
  const account = await findAccount(database, hostTenant, invitation.email, link.tenant);
  return {
    tenant: link.tenant,
    tenantName: front.brand?.displayName ?? front.displayName,
    email: invitation.email,
    displayName: invitation.displayName,
    inviter,
    hasAccount: account !== undefined && (await isSomebodys(needs, account, link.tenant)),
  };
};

/** Elsewhere only a proven one counts: nobody is led to an account that somebody else has made in their name. */
const isSomebodys = async ({ platform }: SignIn, account: Account, tenant: TenantId): Promise<boolean> => {
  if (account.verified) return true;
  if (account.home !== tenant) return false;
  if (account.identitySource !== platformIdentity) return true;
  return platform.database.transaction(tenant, (tx) => isMember(tx, account.user));
};

const nameOf = async (tx: Tx, ref: string): Promise<string> => {
  const named = parseRef(ref);
  if (named === undefined || principalKindOf(named.collection) !== "human") return "";
  return (await findUser(tx, named.id as PrincipalId))?.displayName ?? "";
};

export type AcceptingAsNew = LinkGiven & {
  readonly displayName: string;
  readonly password: string;
  readonly locale: string;
  readonly current?: Session | undefined;
};

/** By somebody new: makes the user, whose address the link proves, and signs it in. */
export const acceptInvitationAsNew = async (needs: SignIn, given: AcceptingAsNew): Promise<Result<SignedIn>> => {
  const { request, current, locale } = given;
  const { database, clock } = needs.platform;
  const refused = await countLink(needs, request);
  if (refused !== undefined) return refused;
  const link = readSecret(given.link, ["invitation"]);
  if (link === undefined) return linkExpired();
  const now = clock.now();
  const at = new Date(now);
  const tenant = link.tenant;
  const open = await database.transaction(tenant, (tx) => openInvitation(tx, link, now));
  if (open === undefined) return linkExpired();
  const { invitation, front } = open;
  const { email } = invitation;
  const displayName = given.displayName.trim();
  const wrong = problemOf(email, displayName);
  if (wrong !== undefined) return wrong;
  const asked = { lengthMin: front.policy.password_length_min, email, displayName, serviceNames: [front.displayName] };
  const hash = await hashNewPassword(needs, given.password, asked);
  if (isFault(hash)) return hash;

  const answer = await transactionOrUndone(database, tenant, async (tx): Promise<Result<SignedIn>> => {
    const user = newId<PrincipalId>();
    const isNew = await insertUser(tx, {
      tenant,
      id: user,
      node: invitation.node,
      email,
      displayName,
      state: "active",
      signsIn: true,
      identitySource: platformIdentity,
      revision: 1,
      createTime: at,
      updateTime: at,
    });
    // One that registered by itself and never proved its address is nobody yet.
    const held = isNew ? user : await holdNobodyYet(tx, email);
    if (held === "never_signs_in")
      throw undo(fault("not_admissible", "nobody signs in with this address here; ask whoever invited you"));
    if (held === "somebody")
      throw undo(fault("already_exists", "there is an account with this address already; sign in with it to accept"));
    const human = { user: held, home: tenant };
    if (!isNew) await dropWhatStrangersLeft(tx, human, request, now);
    const fulfilled = await fulfilInvitation(tx, needs.model, invitation, human, now);
    if (fulfilled === undefined) throw undo(linkExpired());
    await writePassword(tx, held, hash, now);
    await writeProfile(tx, held, { displayName, locale }, at);
    await markEmailVerified(tx, held, email, at);
    if (isNew) {
      const data = { parent: null, identity_source: platformIdentity, role: fulfilled.role };
      const event = { type: "user.created", subject: `${collection}/${held}`, data };
      await emit(tx, event, ownAttribution({ user: held }, request.requestId), now);
    }
    await tellAccepted(tx, { invitation, fulfilled, human, request, now });
    const account = await holdAccount(tx, held);
    if (account === undefined) throw new Error("a user just made is not there");
    return completeFirstFactor(needs, tx, { account, proof: byPassword, context: tenant, request, current, now });
  });
  if (!isFault(answer)) await endOther(needs, { current, home: tenant, request, now });
  return answer;
};

export type Accepted = { readonly tenant: TenantId; readonly user: PrincipalId };

/** By the human of this session. Holding the link is what proves that the invitation is theirs, whatever their own address. */
export const acceptInvitation = async (
  needs: SignIn,
  session: Session,
  given: LinkGiven,
): Promise<Result<Accepted>> => {
  const { request } = given;
  const { database, clock } = needs.platform;
  const refused = await countLink(needs, request);
  if (refused !== undefined) return refused;
  const link = readSecret(given.link, ["invitation"]);
  if (link === undefined || session.state !== "full") return linkExpired();
  const now = clock.now();
  return database.transaction(link.tenant, async (tx): Promise<Result<Accepted>> => {
    const open = await openInvitation(tx, link, now);
    if (open === undefined) return linkExpired();
    const { invitation } = open;
    const human = { user: session.user, home: session.home };
    const fulfilled = await fulfilInvitation(tx, needs.model, invitation, human, now);
    if (fulfilled === undefined) return linkExpired();
    await tellAccepted(tx, { invitation, fulfilled, human, session: session.id, request, now });
    return { tenant: link.tenant, user: session.user };
  });
};

type Told = {
  readonly invitation: Invitation;
  readonly fulfilled: Fulfilled;
  readonly human: { readonly user: PrincipalId; readonly home: TenantId };
  readonly session?: string;
  readonly request: Visit;
  readonly now: number;
};

/** In the inviting tenant's own log: it is there that somebody has become a member. */
const tellAccepted = async (tx: Tx, { invitation, fulfilled, human, session, request, now }: Told): Promise<void> => {
  const { user, home } = human;
  const detail = { invitation: `invitations/${invitation.id}`, home: home === tx.tenant ? null : home, ...fulfilled };
  const where = { home: tx.tenant, user };
  const step = { action: "sign-in.accept-invitation", outcome: "done", human: where, request, now, detail } as const;
  await record(tx, session === undefined ? step : { ...step, session });
  const attribution = ownAttribution({ user, ...(session === undefined ? {} : { id: session }) }, request.requestId);
  const data = { user: `${collection}/${user}`, role: fulfilled.role, joined: fulfilled.joined };
  await emit(tx, { type: "invitation.accepted", subject: `invitations/${invitation.id}`, data }, attribution, now);
};
