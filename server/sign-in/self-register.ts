/**
 * A stranger makes an account in a tenant that lets strangers in. It is an account of nothing until the address is proven: no membership,
 * no role, no way in. So an address may be registered again and again until somebody proves it, and the last password counts.
 */
import { fault, isFault, type Fault, type Result } from "../../core/faults.ts";
import { hostTenant, type PrincipalId, rootNode, type TenantId } from "../../core/ids.ts";
import { endMailLinks, newMailLink } from "../credentials/mail-links/mail-links.ts";
import { writePassword } from "../credentials/passwords/store.ts";
import { emit } from "../events/store.ts";
import { queueMail } from "../mail/queue-mail.ts";
import type { MailContent } from "../mail/model.ts";
import type { Tx } from "../platform/database/database.ts";
import { newId } from "../platform/random.ts";
import { addressClass } from "../platform/web/address.ts";
import { type TenantFront, tenantFrontIn } from "../policies/front.ts";
import { collection, platformIdentity } from "../principals/users/model.ts";
import { insertUser } from "../principals/users/store.ts";
import { ownAttribution } from "../sessions/attribution.ts";
import { hashNewPassword } from "./check-password.ts";
import { evenly } from "./evenly.ts";
import { linkUrl } from "./links.ts";
import { countMail } from "./mail-limits.ts";
import type { SignIn, Visit } from "./needs.ts";
import { email_length_max } from "./prove-password.ts";
import { record } from "./record.ts";
import { findAccount, holdNobodyYet, isMember, tenantOfDomain, writeProfile } from "./store.ts";

export type Registration = {
  readonly tenant: TenantId;
  readonly email: string;
  readonly displayName: string;
  readonly password: string;
  /** The language the page was read in. */
  readonly locale: string;
  /** The authorization request that was interrupted. */
  readonly continueWith?: string | undefined;
  readonly request: Visit;
};

const addressForm = /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u;
const display_name_length_max = 100;

/**
 * The answer is the same whether or not the address has an account: a mail tells its owner which. Faults are about what was filled in
 * (`invalid_argument` with `errors`), about the tenant's policy (`not_admissible`), or limits.
 */
export const selfRegister = (needs: SignIn, given: Registration): Promise<Result<void>> =>
  evenly(() => register(needs, given));

const register = async (needs: SignIn, given: Registration): Promise<Result<void>> => {
  const { tenant, request, password } = given;
  const { database, clock } = needs.platform;
  const [email, displayName] = [given.email.trim(), given.displayName.trim()];
  const wrong = problemOf(email, displayName);
  if (wrong !== undefined) return wrong;
  const admitted = await database.transaction(tenant, (tx) => admits(tx, tenant, email));
  if (isFault(admitted)) return admitted;
  const hash = await hashNewPassword(needs, password, {
    lengthMin: admitted.policy.password_length_min,
    email,
    displayName,
    serviceNames: [admitted.displayName],
  });
  if (isFault(hash)) return hash;
  const refused = await needs.limits.take("registration.address", addressClass(request.address()));
  if (refused !== undefined) return refused;
  const counted = await countMail(needs, email, request);
  if (isFault(counted)) return counted;
  if (counted === "enough") return undefined;

  const known = await findAccount(database, hostTenant, email, tenant);
  const now = clock.now();
  const written = { ...given, email, displayName, hash, now };
  await database.transaction(tenant, async (tx) => {
    // One of another home who belongs here signs in with what there is.
    const content =
      known !== undefined && known.home !== tenant && (await isMember(tx, known.user))
        ? undefined
        : await writePending(needs, tx, written);
    if (content === "silence") return;
    const url = linkUrl(needs, "sign-in", undefined, given.continueWith);
    const mail: MailContent = content ?? { template: "account_exists", url };
    await queueMail(tx, needs.sealKey, { ...mail, to: email, locale: given.locale, tenant }, now);
  });
};

export const problemOf = (email: string, displayName: string): Fault | undefined => {
  if (email.length > email_length_max || !addressForm.test(email))
    return fault("invalid_argument", "the address is not accepted", {
      errors: [{ path: "email", message: "is no e-mail address" }],
    });
  if (displayName === "" || displayName.length > display_name_length_max || /\p{Cc}/u.test(displayName))
    return fault("invalid_argument", "the name is not accepted", {
      errors: [{ path: "display_name", message: `has 1 to ${display_name_length_max} characters` }],
    });
  return undefined;
};

/** Whether the tenant lets this address in, as things stand in this transaction. */
export const admits = async (tx: Tx, tenant: TenantId, email: string): Promise<Result<TenantFront>> => {
  const front = await tenantFrontIn(tx, tenant);
  const policy = front?.state === "active" ? front.policy.self_registration : "off";
  if (front === undefined || policy === "off") return fault("not_admissible", "nobody can register here by themselves");
  if (policy === "verified_domains" && (await tenantOfDomain(tx, email.slice(email.lastIndexOf("@") + 1))) !== tenant)
    return fault("not_admissible", "only addresses of this organization's own domains can register");
  return front;
};

type Written = Registration & { readonly hash: string; readonly now: number };

/**
 * The account to be, new or as it was left; undefined where the address has an account that is one. Whose account is one that never signs in
 * is mailed nothing: there is nothing to do about it.
 */
const writePending = async (needs: SignIn, tx: Tx, given: Written): Promise<MailContent | "silence" | undefined> => {
  const { tenant, email, displayName, locale, hash, now, request } = given;
  const at = new Date(now);
  const user = newId<PrincipalId>();
  const isNew = await insertUser(tx, {
    tenant,
    id: user,
    node: { id: rootNode(tenant), type: "" },
    email,
    displayName,
    state: "active",
    signsIn: true,
    identitySource: platformIdentity,
    revision: 1,
    createTime: at,
    updateTime: at,
  });
  const held = isNew ? user : await holdNobodyYet(tx, email);
  if (held === "never_signs_in") return "silence";
  if (held === "somebody") return undefined;
  const human = { home: tenant, user: held };
  await writePassword(tx, held, hash, now);
  await writeProfile(tx, held, { displayName, locale }, at);
  // An earlier link would prove the address for a password it was not asked with.
  await endMailLinks(tx, human, "verify_email", now);
  await record(tx, { action: "sign-in.register", outcome: "done", human, request, now });
  if (isNew)
    await emit(
      tx,
      {
        type: "user.created",
        subject: `${collection}/${held}`,
        data: { parent: null, identity_source: platformIdentity, role: null },
      },
      ownAttribution({ user: held }, request.requestId),
      now,
    );
  const token = await newMailLink(tx, human, "verify_email", email, now);
  return token === undefined
    ? undefined
    : { template: "verify_email", url: linkUrl(needs, "verify-email", token, given.continueWith) };
};
