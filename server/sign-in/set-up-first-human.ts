/** The one-time setup link makes the first human: a super admin of the host. */
import { createHash } from "node:crypto";
import { fault, isFault, type Result } from "../../core/faults.ts";
import { hostTenant, type PrincipalId, rootNode } from "../../core/ids.ts";
import { hostPlace } from "../../core/model/model.ts";
import { insertAssignment } from "../authority/assignments-store.ts";
import { writePassword } from "../credentials/passwords/store.ts";
import { emit } from "../events/store.ts";
import { principalVersion } from "../platform/cache/fresh-cache.ts";
import { newId } from "../platform/random.ts";
import { addressClass } from "../platform/web/address.ts";
import { insertMembership } from "../principals/memberships/store.ts";
import { collection, platformIdentity } from "../principals/users/model.ts";
import { insertUser } from "../principals/users/store.ts";
import { ownAttribution } from "../sessions/attribution.ts";
import type { Session } from "../sessions/model.ts";
import { hashNewPassword } from "./check-password.ts";
import { completeFirstFactor, endOther } from "./complete.ts";
import { byPassword } from "./factors.ts";
import { linkExpired } from "./links.ts";
import type { SignedIn, SignIn, Visit } from "./needs.ts";
import { record } from "./record.ts";
import { problemOf } from "./self-register.ts";
import { holdAccount, isLiveSetupLink, markEmailVerified, takeSetupLink, writeProfile } from "./store.ts";
import { transactionOrUndone, undo } from "./undo.ts";

/** The host role that every model has. */
const superAdmin = "super_admin";
const setup_length_max = 100;

export type Setup = {
  /** What stands behind the `#` of the link. */
  readonly setup: string;
  readonly email: string;
  readonly displayName: string;
  readonly password: string;
  readonly locale: string;
  readonly request: Visit;
  readonly current?: Session | undefined;
};

/**
 * `link_expired` where the link is used up, expired, or none of ours. The address counts as proven: whoever has the link has the
 * deployment.
 */
export const setUpFirstHuman = async (needs: SignIn, given: Setup): Promise<Result<SignedIn>> => {
  const { locale, request, current } = given;
  const { database, clock } = needs.platform;
  const refused = await needs.limits.take("setup.address", addressClass(request.address()));
  if (refused !== undefined) return refused;
  const [email, displayName] = [given.email.trim(), given.displayName.trim()];
  const link = createHash("sha256").update(given.setup.slice(0, setup_length_max)).digest();
  const now = clock.now();
  const at = new Date(now);
  // First of all: who has no link hears nothing else, and has nothing hashed.
  if (!(await database.hostTransaction((tx) => isLiveSetupLink(tx, link, at)))) return linkExpired();
  const wrong = problemOf(email, displayName);
  if (wrong !== undefined) return wrong;
  const hash = await hashNewPassword(needs, given.password, { lengthMin: 0, email, displayName });
  if (isFault(hash)) return hash;

  const answer = await transactionOrUndone(database, hostTenant, async (tx): Promise<Result<SignedIn>> => {
    if (!(await takeSetupLink(tx, link, at))) return linkExpired();
    const user = newId<PrincipalId>();
    const node = { id: rootNode(hostTenant), type: hostPlace };
    const born = { tenant: hostTenant, node, revision: 1, createTime: at, updateTime: at } as const;
    const isNew = await insertUser(tx, {
      ...born,
      id: user,
      email,
      displayName,
      state: "active",
      signsIn: true,
      identitySource: platformIdentity,
    });
    if (!isNew) throw undo(fault("already_exists", "there is an account with this address already; sign in with it"));
    await markEmailVerified(tx, user, email, at);
    await writeProfile(tx, user, { displayName, locale }, at);
    await writePassword(tx, user, hash, now);
    await insertMembership(tx, { ...born, id: newId(), user, home: hostTenant });
    await insertAssignment(tx, {
      id: newId(),
      principal: { kind: "human", id: user },
      node: node.id,
      role: { name: superAdmin },
      propagation: "subtree",
      expireTime: null,
      now: at,
    });
    tx.touch(principalVersion(hostTenant, user));
    const human = { home: hostTenant, user };
    const detail = { role: superAdmin };
    await record(tx, { action: "sign-in.setup", outcome: "done", human, request, now, detail });
    const data = { parent: null, identity_source: platformIdentity, role: superAdmin };
    const event = { type: "user.created", subject: `${collection}/${user}`, data };
    await emit(tx, event, ownAttribution({ user }, request.requestId), now);
    const account = await holdAccount(tx, user);
    if (account === undefined) throw new Error("a user just made is not there");
    return completeFirstFactor(needs, tx, { account, proof: byPassword, context: hostTenant, request, current, now });
  });
  if (!isFault(answer)) await endOther(needs, { current, home: hostTenant, request, now });
  return answer;
};
