/**
 * Who calls an OAuth endpoint (RFC 6749 §2.3): client_secret_basic, client_secret_post, private_key_jwt, or, at the endpoints that
 * take one, a service's token, as a bearer or bound to a key (RFC 7662 §2.1, RFC 9449 §7.1). More than one at once is refused.
 *
 * It is split in two so that a hot endpoint can look everything up in one cache round trip: `readAttempt` says from the request alone
 * what was tried; `acceptAttempt` judges it with what the lookup found.
 */
import { fault, isFault, type Result } from "../../core/faults.ts";
import { rootNode } from "../../core/ids.ts";
import type { Model } from "../../core/model/model.ts";
import { factsOf } from "../authority/facts.ts";
import type { Platform } from "../platform/platform.ts";
import { type Basic, readBasic } from "../tokens/basic.ts";
import { acceptBearer } from "../tokens/bearer.ts";
import { type Presented, recognise } from "../tokens/presented.ts";
import type { Standing, Verified } from "../tokens/standing.ts";
import { assertionType, verifyClientAssertion } from "./client-assertion.ts";
import { checkProof, type ProvenRequest, type Proving } from "./dpop/check-proof.ts";
import { parameter, type ProtocolRequest, repeated } from "./protocol.ts";
import type { ClientRegistration } from "./store.ts";

/** What of a request says who the client is. */
export type AttemptSource = Pick<ProtocolRequest, "authorization" | "form">;

/** What the request tried, before anything was looked up. `clientId` must match what the credential turns out to be. */
export type Attempt =
  | {
      readonly by: "secret";
      readonly clientId: string;
      readonly presented: Presented | undefined;
      readonly header: boolean;
    }
  | { readonly by: "bearer"; readonly presented: Presented | undefined; readonly header: true }
  | {
      /** RFC 9449 §7.1. */
      readonly by: "dpop";
      readonly presented: Presented | undefined;
      /** The token as it came, for the proof's `ath`. */
      readonly accessToken: string;
      readonly header: true;
    }
  | {
      readonly by: "assertion";
      readonly clientId: string | undefined;
      readonly assertion: string;
      readonly header: false;
    };

const invalidClient = () => fault("invalid_client", "the client is unknown, or its credentials are not accepted");

const bySecretOf = (basic: Basic | undefined): Result<Attempt> =>
  basic === undefined
    ? invalidClient()
    : { by: "secret", clientId: basic.clientId, presented: recognise(basic.secret), header: true };

export const readAttempt = (request: AttemptSource, allowBearer: boolean): Result<Attempt> => {
  const { authorization, form } = request;
  const twice = repeated(form);
  if (twice !== undefined) return twice;
  const inBody =
    form.client_secret !== undefined || form.client_assertion !== undefined || form.client_assertion_type !== undefined;
  if (authorization !== undefined) {
    if (inBody) return fault("invalid_argument", "the client authenticates in two ways at once; keep one");
    const space = authorization.indexOf(" ");
    const scheme = authorization.slice(0, space).toLowerCase();
    const rest = authorization.slice(space + 1).trim();
    if (scheme === "basic") return statedAlike(bySecretOf(readBasic(rest)), form.client_id);
    if (scheme === "dpop" && allowBearer)
      return { by: "dpop", presented: recognise(rest), accessToken: rest, header: true };
    if (scheme === "bearer" && allowBearer) return { by: "bearer", presented: recognise(rest), header: true };
    return invalidClient();
  }
  return readBody(request);
};

/** A `client_id` in the body beside a header must be the same one. */
const statedAlike = (attempt: Result<Attempt>, stated: AttemptSource["form"][string]): Result<Attempt> =>
  isFault(attempt) || attempt.by !== "secret" || stated === undefined || stated === attempt.clientId
    ? attempt
    : invalidClient();

const readBody = ({ form }: AttemptSource): Result<Attempt> => {
  const clientId = parameter(form, "client_id");
  const secret = parameter(form, "client_secret");
  const assertion = parameter(form, "client_assertion");
  if (isFault(clientId)) return clientId;
  if (isFault(secret)) return secret;
  if (isFault(assertion)) return assertion;
  if (assertion.value !== undefined) {
    if (secret.value !== undefined)
      return fault("invalid_argument", "the client authenticates in two ways at once; keep one");
    if (form.client_assertion_type !== assertionType)
      return fault("invalid_argument", `\`client_assertion_type\` must be \`${assertionType}\``);
    return { by: "assertion", clientId: clientId.value, assertion: assertion.value, header: false };
  }
  if (clientId.value === undefined || secret.value === undefined) return invalidClient();
  return { by: "secret", clientId: clientId.value, presented: recognise(secret.value), header: false };
};

export type ClientAuthentication = { readonly platform: Platform; readonly model: Model; readonly issuer: string };

/** Judges what was tried. `verified` is what the lookup of the attempt's credential found. */
export const acceptAttempt = async (
  needs: ClientAuthentication,
  attempt: Attempt,
  verified: Verified | undefined,
): Promise<Result<Standing>> => {
  if (attempt.by === "assertion") return byAssertion(needs, attempt);
  if (attempt.by === "dpop") return invalidClient();
  return attempt.by === "secret"
    ? bySecret(attempt.clientId, attempt.presented, verified)
    : acceptBearer(needs.issuer, attempt.presented, verified);
};

/** The same at an endpoint that takes a service's token, which may be bound to a key: then with the proof of that key (RFC 9449 §7.1). */
export const acceptCaller = async (
  needs: ClientAuthentication & Proving,
  attempt: Attempt,
  verified: Verified | undefined,
  request: ProvenRequest,
): Promise<Result<Standing>> => {
  if (attempt.by !== "dpop") return acceptAttempt(needs, attempt, verified);
  const { presented, accessToken } = attempt;
  // The token first: nobody without one makes us write.
  if (presented === undefined || verified === undefined)
    return fault("invalid_bound_token", "the token is unknown, expired, revoked or meant for another server");
  const proof = await checkProof(needs, request, { accessToken, tenant: presented.tenant });
  return isFault(proof) ? proof : acceptBearer(needs.issuer, presented, verified, proof?.jkt);
};

const bySecret = (
  clientId: string,
  presented: Presented | undefined,
  verified: Verified | undefined,
): Result<Standing> => {
  if (presented?.kind !== "client_secret" || verified === undefined) return invalidClient();
  const standing = verified.standing();
  return standing.clientId === clientId ? standing : invalidClient();
};

const byAssertion = async (
  needs: ClientAuthentication,
  attempt: Attempt & { by: "assertion" },
): Promise<Result<Standing>> => {
  const registration = await verifyClientAssertion(needs.platform, needs.issuer, attempt.assertion, attempt.clientId);
  if (isFault(registration)) return registration;
  return standingOfClient(needs.model, registration) ?? invalidClient();
};

const standingOfClient = (model: Model, registration: ClientRegistration): Standing | undefined => {
  const principal = { kind: "service", id: registration.id } as const;
  const { tenant } = registration;
  const facts = factsOf(model, { principal, bound: tenant, tenant, node: rootNode(tenant) }, registration.facts);
  const lives = facts?.principal.state === "active" && facts.path.every((node) => node.state === "active");
  if (facts === undefined || !lives) return undefined;
  return {
    tenant,
    principal,
    credential: { kind: "client_assertion", id: registration.client_id },
    clientId: registration.client_id,
    scopes: registration.scopes,
    audience: null,
    facts,
    tokens: { format: registration.format, ttlSeconds: registration.ttl },
  };
};
