/**
 * What follows a first factor, whichever it was: is a second one asked for, or to be enrolled; then a session, begun or renewed, and the
 * cookies that carry it. In one transaction of the human's home.
 */
import type { TenantId } from "../../core/ids.ts";
import { localeOf } from "../messages/messages.ts";
import { queueMail } from "../mail/queue-mail.ts";
import { tenantFrontIn } from "../policies/front.ts";
import { defaultPolicy, type SignInPolicy } from "../policies/model.ts";
import type { Tx } from "../platform/database/database.ts";
import { beginSession, elevateSession, type SessionInHand } from "../sessions/begin-session.ts";
import { deviceName } from "../sessions/device-name.ts";
import { endSession } from "../sessions/end-session.ts";
import type { Session } from "../sessions/model.ts";
import { nextAfter, type Proof, stateFor, stricter } from "./factors.ts";
import { knownBrowser, knownBrowserCookie } from "./known-browser.ts";
import type { SignedIn, SignIn, Visit } from "./needs.ts";
import { isRememberedDevice } from "./remembered-device.ts";
import { type Account, readReception } from "./store.ts";

export type FirstFactor = {
  readonly account: Account;
  readonly proof: Proof;
  readonly context: TenantId | null;
  readonly request: Visit;
  readonly current?: Session | undefined;
  readonly now: number;
};

export const policyOf = async (tx: Tx, tenant: TenantId): Promise<SignInPolicy> =>
  (await tenantFrontIn(tx, tenant))?.policy ?? defaultPolicy;

export const completeFirstFactor = async (needs: SignIn, tx: Tx, given: FirstFactor): Promise<SignedIn> => {
  const { account, proof, context, request, current, now } = given;
  const { policy, factors, returning } = await readReception(tx, account.user);
  const mfa =
    context === null || context === account.home ? policy.mfa : stricter(policy.mfa, (await policyOf(tx, context)).mfa);
  const remembered = await isRememberedDevice(tx, account, policy, request, now);
  const next = nextAfter({ mfa, proof, factors, remembered });
  const state = stateFor(next);
  const hand =
    (await renewed(tx, given, policy, state)) ??
    (await beginSession(tx, {
      home: account.home,
      user: account.user,
      state,
      methods: proof.methods,
      acr: proof.acr,
      policy,
      userAgent: request.headers["user-agent"] ?? "",
      address: request.address(),
      now,
      requestId: request.requestId,
    }));
  if (current !== undefined && current.home === account.home && current.user !== account.user)
    await endSession(tx, current.id, { reason: "replaced", now, requestId: request.requestId });
  if (next !== "done") return { ...hand, next, cookies: [hand.cookie] };
  return { ...(await welcomed(needs, tx, { account, hand, returning, request, now })), next };
};

/** The same human's session gets a new secret, and stays the session it is. */
const renewed = async (
  tx: Tx,
  { account, proof, current, request, now }: FirstFactor,
  policy: SignInPolicy,
  state: Session["state"],
): Promise<SessionInHand | undefined> =>
  current?.home === account.home && current.user === account.user
    ? elevateSession(tx, current, { state, ...proof, policy, now, requestId: request.requestId })
    : undefined;

/** The language of a mail about what was done in this request. */
export const mailLocale = (account: Pick<Account, "locale">, request: Pick<Visit, "headers">): string =>
  localeOf(request.headers["accept-language"], null, account.locale);

type Welcome = {
  readonly account: Account;
  readonly hand: SessionInHand;
  /** Whether the human was signed in before, anywhere. */
  readonly returning: boolean;
  readonly request: Visit;
  readonly now: number;
};

/** Fully signed in: the browser is known from now on, and the human is told where it was not. */
export const welcomed = async (
  needs: SignIn,
  tx: Tx,
  { account, hand, returning, request, now }: Welcome,
): Promise<SessionInHand & Pick<SignedIn, "cookies">> => {
  if (returning && knownBrowser(needs, request, account.email) === undefined)
    await queueMail(
      tx,
      needs.sealKey,
      {
        template: "new_sign_in",
        device: deviceName(request.headers["user-agent"] ?? "") ?? "?",
        address: request.address(),
        time: new Date(now).toISOString(),
        to: account.email,
        locale: mailLocale(account, request),
        tenant: account.home,
      },
      now,
    );
  return { ...hand, cookies: [hand.cookie, knownBrowserCookie(needs, request, account.email)] };
};

/** Another human's session in this browser, whose home is elsewhere: it ends in a transaction of its own. */
export const endOther = async (
  { platform }: Pick<SignIn, "platform">,
  { current, home, request, now }: Pick<FirstFactor, "current" | "request" | "now"> & { readonly home: TenantId },
): Promise<void> => {
  if (current === undefined || current.home === home) return;
  await platform.database.transaction(current.home, (tx) =>
    endSession(tx, current.id, { reason: "replaced", now, requestId: request.requestId }),
  );
};
