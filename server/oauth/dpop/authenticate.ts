/** Who calls our own API, by either scheme: `Bearer` (RFC 6750) or `DPoP` (RFC 9449 §7.1). */
import { fault, isFault, type Result } from "../../../core/faults.ts";
import type { Caller } from "../../authority/caller.ts";
import type { WebRequest, WebResponse } from "../../platform/web/request.ts";
import { acceptBearer, type Authentication, callerOf, readBearer, readDpopToken } from "../../tokens/bearer.ts";
import type { Presented } from "../../tokens/presented.ts";
import type { Standing, Verified } from "../../tokens/standing.ts";
import { checkProof, type ProvenRequest, type Proving } from "./check-proof.ts";
import { dpopNonceHeaders, type NonceNeeds } from "./nonces.ts";

export type Authenticating = Authentication & Proving;
export type AuthenticatedRequest = ProvenRequest & { readonly authorization: string | undefined };

const refused = fault("invalid_bound_token", "the token is unknown, expired, revoked or meant for another server");

/** A token as it was presented, and the key that was proven with it; no key under the Bearer scheme. */
export type PresentedProof = {
  readonly presented: Presented;
  readonly jkt: string | undefined;
  /** Looked up already, where the proof made it necessary. */
  readonly verified?: Verified;
};

const isDpop = (authorization: string | undefined): authorization is string =>
  authorization !== undefined && authorization.slice(0, "dpop ".length).toLowerCase() === "dpop ";

/** Reads the token and checks the proof that came with it; whether it may be used here is `acceptBearer`'s to say. */
export const readPresented = async (
  needs: Authenticating,
  request: AuthenticatedRequest,
): Promise<Result<PresentedProof>> => {
  const { authorization } = request;
  if (!isDpop(authorization)) {
    const presented = readBearer(authorization);
    return isFault(presented) ? presented : { presented, jkt: undefined };
  }
  const presented = readDpopToken(authorization);
  if (isFault(presented)) return refused;
  // The token first: nobody without one makes us write.
  const [verified] = await needs.verifier.verify([presented]);
  if (verified === undefined) return refused;
  const accessToken = authorization.slice("dpop ".length).trim();
  const proof = await checkProof(needs, request, { accessToken, tenant: presented.tenant });
  if (isFault(proof)) return proof;
  return { presented, jkt: proof?.jkt, verified };
};

/** The standing of the token in the `Authorization` header. */
export const authenticateToken = async (
  needs: Authenticating,
  request: AuthenticatedRequest,
): Promise<Result<Standing>> => {
  const read = await readPresented(needs, request);
  if (isFault(read)) return read;
  const verified = read.verified ?? (await needs.verifier.verify([read.presented]))[0];
  return acceptBearer(needs.issuer, read.presented, verified, read.jkt);
};

/** The caller that follows from it, for requests that look nothing else up. */
export const authenticateRequest = async (
  needs: Authenticating,
  request: AuthenticatedRequest,
): Promise<Result<Caller>> => {
  const standing = await authenticateToken(needs, request);
  return isFault(standing) ? standing : callerOf(needs.model, standing);
};

/** An endpoint that takes proofs, handing out the nonce of now to whoever uses them (§8.2). */
export const withDpopNonce =
  (needs: NonceNeeds, handle: (request: WebRequest) => Promise<WebResponse>) =>
  async (request: WebRequest): Promise<WebResponse> => {
    const answer = await handle(request);
    return request.headers["dpop"] === undefined
      ? answer
      : { ...answer, headers: { ...answer.headers, ...dpopNonceHeaders(needs) } };
  };
