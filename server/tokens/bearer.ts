/** A bearer token as the proof of who calls (RFC 6750 §2.1), and the caller that follows from it. */
import { fault, isFault, type Result } from "../../core/faults.ts";
import { hostTenant } from "../../core/ids.ts";
import type { Model } from "../../core/model/model.ts";
import { expandedIn } from "../../core/model/expanded.ts";
import type { Caller } from "../authority/caller.ts";
import { isToken, type Presented, recognise } from "./presented.ts";
import type { Standing, Verified, Verifier } from "./standing.ts";

/** RFC 6750 §3.1: without a token no error code is sent; the challenge says how to come back. */
const missing = fault("unauthenticated", "send an access token or an API token as `Authorization: Bearer …`");
const refused = fault("invalid_token", "the token is unknown, expired, revoked or meant for another server");

/** The token in the header, recognised and not yet believed. */
export const readBearer = (authorization: string | undefined): Result<Presented> => {
  if (authorization === undefined || authorization === "") return missing;
  const space = authorization.indexOf(" ");
  if (authorization.slice(0, space).toLowerCase() !== "bearer") return missing;
  const presented = recognise(authorization.slice(space + 1).trim());
  return presented !== undefined && isToken(presented) ? presented : refused;
};

/**
 * Judges a bearer token, or a client certificate, by what was looked up. RFC 9068 §4: a token meant for somebody else opens nothing
 * here. A client secret is no bearer token.
 */
export const acceptBearer = (
  issuer: string,
  presented: Presented | undefined,
  verified: Verified | undefined,
): Result<Standing> => {
  if (presented === undefined || verified === undefined || presented.kind === "client_secret") return refused;
  const standing = verified.standing();
  return standing.audience === null || standing.audience.includes(issuer) ? standing : refused;
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
  };
};

export type Authentication = { readonly verifier: Verifier; readonly model: Model; readonly issuer: string };

/** The whole way, for requests that look nothing else up. */
export const authenticate = async (
  needs: Authentication,
  authorization: string | undefined,
): Promise<Result<Caller>> => {
  const presented = readBearer(authorization);
  if (isFault(presented)) return presented;
  const [verified] = await needs.verifier.verify([presented]);
  const standing = acceptBearer(needs.issuer, presented, verified);
  return isFault(standing) ? standing : callerOf(needs.model, standing);
};
