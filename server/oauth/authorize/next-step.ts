/**
 * What an authorization request needs next: pure, so that every way through it can be tried. The rules stand in order; the first that is
 * not met says where the browser goes, and when all are met there is a code.
 *
 * Nothing here remembers: whichever page the browser comes back from, the whole is judged again.
 */
import { type Fault, fault } from "../../../core/faults.ts";
import { hostTenant, type PrincipalId, type TenantId } from "../../../core/ids.ts";
import type { Client } from "../../clients/model.ts";
import type { SignInPolicy } from "../../policies/model.ts";
import { type Acr, acrs, satisfies, type Session } from "../../sessions/model.ts";
import { detailsWithin } from "../authorization-details.ts";
import { essentialAcrs, knownAcrs } from "./claims-parameter.ts";
import type { AuthorizationRequest, StoredRequest } from "./model.ts";
import { isCovered } from "./scope.ts";

/** What is known of the human whose session it is. */
export type Facts = {
  /** The active tenant the token would be for: the one asked for, or the only one; null where the human has none such. */
  readonly bound: TenantId | null;
  /** Whether it is null because there are several to choose from. */
  readonly several: boolean;
  /** The bound tenant's. */
  readonly policy: SignInPolicy;
  readonly consent:
    | {
        readonly scopes: readonly string[];
        /** Left out by the human, and not asked for again. */
        readonly declined: readonly string[];
        readonly details: readonly object[];
      }
    | undefined;
  /** Which second factors the human has. */
  readonly totp: boolean;
  readonly passkey: boolean;
  /** Whether this browser may leave the second factor out, as the bound tenant has it. */
  readonly remembered?: boolean;
};

export type Situation = {
  readonly request: AuthorizationRequest;
  readonly client: Pick<Client, "tenant" | "firstParty" | "source">;
  /** What has been answered on the way, where the request has had to wait. */
  readonly stored: Pick<StoredRequest, "createTime" | "session" | "bound" | "consentTime" | "scopes"> | undefined;
  readonly session: (Pick<Session, "id" | "state" | "acr" | "authTime"> & { readonly user: PrincipalId }) | undefined;
  /** Undefined without a session. */
  readonly facts: Facts | undefined;
  readonly now: number;
};

export type Step =
  | { readonly at: "sign_in" | "reauthenticate" | "second_factor" | "enrol" | "choose_tenant" }
  | { readonly at: "consent"; readonly bound: TenantId }
  | { readonly at: "done"; readonly bound: TenantId; readonly scopes: readonly string[] }
  | { readonly at: "error"; readonly failure: Fault };

/** The tenant that is settled before the human is asked: by the request, by the client, or by an earlier answer of the same session. */
export const settledTenant = ({
  request,
  client,
  stored,
  session,
}: {
  readonly request: Pick<AuthorizationRequest, "tenant">;
  readonly client: { readonly tenant: TenantId };
  readonly stored: Pick<StoredRequest, "session" | "bound"> | undefined;
  readonly session: Pick<Session, "id"> | undefined;
}): TenantId | null => {
  if (request.tenant !== null) return request.tenant;
  if (client.tenant !== hostTenant) return client.tenant;
  return stored !== undefined && stored.session === session?.id ? stored.bound : null;
};

export const nextStep = (situation: Situation): Step => {
  const step = firstUnmet(situation);
  return situation.request.prompt.includes("none") ? silently(step) : step;
};

/** OIDC Core §3.1.2.6: what `prompt=none` answers where a page would be shown. */
const silently = (step: Step): Step => {
  switch (step.at) {
    case "sign_in":
    case "reauthenticate":
    case "second_factor":
      return error("login_required", "the human would have to sign in");
    case "enrol":
    case "choose_tenant":
      return error("interaction_required", "the human would have to answer something first");
    case "consent":
      return error("consent_required", "the human has not agreed to this");
    case "done":
    case "error":
      return step;
  }
};

const error = (
  code:
    | "access_denied"
    | "login_required"
    | "interaction_required"
    | "consent_required"
    | "unmet_authentication_requirements",
  why: string,
): Step => ({ at: "error", failure: fault(code, why) });

const firstUnmet = (situation: Situation): Step => {
  const { stored, session, facts } = situation;
  // No by one human is no, whoever signs in next.
  if (stored !== undefined && stored.scopes !== null && stored.consentTime === null)
    return error("access_denied", "the human said no");
  if (session === undefined || facts === undefined) return { at: "sign_in" };
  const known: Known = { ...situation, session, facts };
  const { bound } = facts;
  const unmet =
    fullySignedIn(known) ?? rightHuman(known) ?? freshEnough(known) ?? strongEnough(known) ?? accountSelected(known);
  if (unmet !== undefined) return unmet;
  if (bound === null)
    return facts.several
      ? { at: "choose_tenant" }
      : error("access_denied", "the human belongs to no active tenant that this could be for");
  return admitted(known, bound) ?? policyKept(known) ?? agreed(known, bound);
};

type Known = Situation & {
  readonly session: NonNullable<Situation["session"]>;
  readonly facts: Facts;
};

const hasFactor = ({ facts }: Known): boolean => facts.totp || facts.passkey;
const secondFactor = (known: Known): Step => ({ at: hasFactor(known) ? "second_factor" : "enrol" });

/** Whether the human has signed in since this request began. */
const isNew = ({ stored, session }: Known): boolean => stored !== undefined && session.authTime >= stored.createTime;

/** Half a sign-in is none to whoever may not ask for the other half. */
const fullySignedIn = (known: Known): Step | undefined => {
  if (known.session.state === "full") return undefined;
  return known.request.prompt.includes("none") ? { at: "sign_in" } : secondFactor(known);
};

/** OIDC Core §3.1.2.2: the human an ID token or a `sub` claim names, and nobody else. */
const rightHuman = (known: Known): Step | undefined => {
  const { request, session } = known;
  if (request.hintedUser === null || request.hintedUser === session.user) return undefined;
  return isNew(known)
    ? error("login_required", "another human has signed in than the one that was asked for")
    : { at: "reauthenticate" };
};

/** OIDC Core §3.1.2.1: `prompt=login` and `max_age`. */
const freshEnough = (known: Known): Step | undefined => {
  const { request, session, now } = known;
  if (isNew(known)) return undefined;
  const tooOld = request.maxAge !== null && now - session.authTime > request.maxAge * 1000;
  return request.prompt.includes("login") || tooOld || request.maxAge === 0 ? { at: "reauthenticate" } : undefined;
};

/**
 * OIDC Core §5.5.1.1, RFC 9470 §4: the weakest of the classes asked for must be reached. Where none of them is a class of ours, an
 * essential one cannot be had, and a mere wish is passed over.
 */
const strongEnough = (known: Known): Step | undefined => {
  const { request, session, facts } = known;
  const essential = essentialAcrs(request.claims);
  const [weakest] = knownAcrs(essential ?? request.acrValues).toSorted((a, b) => acrs.indexOf(a) - acrs.indexOf(b));
  if (weakest === undefined)
    return essential === undefined
      ? undefined
      : error("unmet_authentication_requirements", "none of the authentication context classes asked for exists here");
  if (satisfies(session.acr, weakest)) return undefined;
  if (weakest === phishingResistant) return { at: facts.passkey ? "reauthenticate" : "enrol" };
  return secondFactor(known);
};

const phishingResistant: Acr = "phr";
const multiFactor: Acr = "urn:countersign:acr:multi-factor";

/** `select_account`: choosing a tenant, or signing in anew, is choosing an account. */
const accountSelected = (known: Known): Step | undefined => {
  const { request, stored, session } = known;
  if (!request.prompt.includes("select_account") || isNew(known)) return undefined;
  return stored !== undefined && stored.session === session.id && stored.bound !== null
    ? undefined
    : { at: "choose_tenant" };
};

/**
 * A client that nobody of the bound tenant has registered gets to its people only where the tenant lets such clients in: what the host lets
 * register itself is no tenant's choice.
 */
const admitted = ({ client, facts }: Known, bound: TenantId): Step | undefined => {
  if (client.source === "managed" || client.tenant === bound) return undefined;
  const { dynamic_registration, client_id_metadata_documents } = facts.policy;
  const lets = client.source === "registered" ? dynamic_registration : client_id_metadata_documents;
  return lets === "on" ? undefined : error("access_denied", "the tenant admits no clients that registered themselves");
};

/** What the bound tenant asks of its people, whatever the client asked. */
const policyKept = (known: Known): Step | undefined => {
  const { session, facts, now } = known;
  const { mfa, reauthenticate_seconds } = facts.policy;
  const tooOld = reauthenticate_seconds > 0 && now - session.authTime > reauthenticate_seconds * 1000;
  if (tooOld && !isNew(known)) return { at: "reauthenticate" };
  if (mfa === "off" || satisfies(session.acr, multiFactor)) return undefined;
  if (hasFactor(known)) return facts.remembered === true ? undefined : { at: "second_factor" };
  return mfa === "required" ? { at: "enrol" } : undefined;
};

/** Whether `policyKept` would want to know of a remembered device: a look that is only taken where it decides something. */
export const asksForDevice = (
  { acr }: Pick<Session, "acr">,
  { policy, totp, passkey }: Pick<Facts, "policy" | "totp" | "passkey">,
): boolean => policy.mfa !== "off" && (totp || passkey) && !satisfies(acr, multiFactor);

/** OIDC Core §3.1.2.4. The deployment's own clients ask nobody, unless they say they want to. */
const agreed = ({ request, client, stored, session, facts }: Known, bound: TenantId): Step => {
  const answered = stored?.session === session.id && stored.bound === bound ? stored.scopes : null;
  if (answered !== null)
    return { at: "done", bound, scopes: request.scopes.filter((scope) => answered.includes(scope)) };
  const { scopes: allowed, declined, details } = facts.consent ?? nothing;
  // RFC 6749 §3.3: less than what was asked for is an answer, too.
  const scopes = request.scopes.filter((scope) => !declined.includes(scope) || isCovered([scope], allowed));
  const remembered =
    facts.consent !== undefined && isCovered(scopes, allowed) && detailsWithin(request.details, details);
  const isEmpty = scopes.length === 0 && request.scopes.length > 0;
  const asks = request.prompt.includes("consent") || isEmpty || !(client.firstParty || remembered);
  return asks ? { at: "consent", bound } : { at: "done", bound, scopes };
};

const nothing = { scopes: [], declined: [], details: [] } as const;
