/** A bearer token as the proof of who calls (RFC 6750 §2.1), and the caller that follows from it. */
import { fault, type Result } from "../../core/faults.ts";
import { hostTenant } from "../../core/ids.ts";
import type { Model } from "../../core/model/model.ts";
import { expandedIn } from "../../core/model/expanded.ts";
import type { Caller } from "../authority/caller.ts";
import { isToken, type Presented, recognise } from "./presented.ts";
import type { Standing, Verified, Verifier } from "./standing.ts";

/** RFC 6750 §3.1: without a token no error code is sent; the challenge says how to come back. */
const missing = fault("unauthenticated", "send an access token or an API token as `Authorization: Bearer …`");
const unbound = fault("invalid_bound_token", "the token is not bound to the key that was proven");
const bound = fault(
  "invalid_bound_token",
  "the token is bound to a key; send it as `Authorization: DPoP …` with a proof",
);
const refused = fault("invalid_token", "the token is unknown, expired, revoked or meant for another server");

/** The token in the header, recognised and not yet believed. */
export const readBearer = (authorization: string | undefined): Result<Presented> => readScheme("bearer", authorization);

/** RFC 9449 §7.1: the token of the DPoP scheme; what proves its key stands in another header. */
export const readDpopToken = (authorization: string | undefined): Result<Presented> =>
  readScheme("dpop", authorization);

const readScheme = (scheme: "bearer" | "dpop", authorization: string | undefined): Result<Presented> => {
  if (authorization === undefined || authorization === "") return missing;
  const space = authorization.indexOf(" ");
  if (authorization.slice(0, space).toLowerCase() !== scheme) return missing;
  const presented = recognise(authorization.slice(space + 1).trim());
  return presented !== undefined && isToken(presented) ? presented : refused;
};

/** What a token may name as its audience to be meant for us, beside the issuer: each of its APIs, as their metadata names them (RFC 9728). */
export const apiPaths: readonly string[] = ["/v1", "/access/v1"];

const isForUs = (issuer: string, audience: readonly string[]): boolean =>
  audience.includes(issuer) || audience.some((one) => apiPaths.some((path) => one === issuer + path));

/**
 * Judges a bearer token, or a client certificate, by what was looked up. RFC 9068 §4: a token meant for somebody else opens nothing
 * here. A client secret is no bearer token. RFC 9449 §7.1: a token that is bound to a key is accepted with the proof of that key, and in
 * no other way; `jkt` is the key that was proven, where one was.
 */
export const acceptBearer = (
  issuer: string,
  presented: Presented | undefined,
  verified: Verified | undefined,
  jkt?: string,
): Result<Standing> => {
  if (presented === undefined || verified === undefined || presented.kind === "client_secret") return refused;
  const standing = verified.standing();
  if (standing.audience !== null && !isForUs(issuer, standing.audience)) return refused;
  if (standing.cnf?.jkt === jkt) return standing;
  return jkt === undefined ? bound : unbound;
};

/** A client that proved itself by its own secret or key is not narrowed; a token narrows to its scopes. */
export const callerOf = (model: Model, standing: Standing): Caller => {
  const { kind } = standing.credential;
  const narrows = kind === "access_token" || kind === "api_token";
  return {
    principal: standing.principal,
    tenant: standing.tenant,
    credential: standing.credential,
    clientId: standing.clientId,
    scopes: narrows
      ? expandedIn(model, standing.scopes, standing.tenant === hostTenant ? "host" : "tenant")
      : undefined,
    facts: standing.facts,
    ...(standing.human === undefined ? {} : { human: standing.human }),
  };
};

export type Authentication = { readonly verifier: Verifier; readonly model: Model; readonly issuer: string };
