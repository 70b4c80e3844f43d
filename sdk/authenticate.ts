/** Who is calling: from what a request presents to verified claims. */
import { type Fault, fault, isFault, type Result } from "../core/faults.ts";
import { readPresented } from "./credentials.ts";
import { checkProof, type Proving } from "./dpop/check-proof.ts";
import type { RouteRequest } from "./route.ts";
import type { Claims } from "./token/claims.ts";

/** A request with what policies have no use for: each header as often as it was sent. */
export type Incoming = RouteRequest & {
  /** Every value of a header, in order, as far as the framework still knows them apart. */
  headers(name: string): readonly string[];
};

export type Authenticating = Proving & { readonly verify: (token: string) => Promise<Result<Claims>> };

export type Authenticated = { readonly claims: Claims; readonly token: string };

const bound = fault(
  "invalid_bound_token",
  "the token is bound to a key; send it as `Authorization: DPoP …` with a proof",
);

export const authenticate = async (needs: Authenticating, request: Incoming): Promise<Result<Authenticated>> => {
  const presented = readPresented(request.headers("authorization"), request.query);
  if (isFault(presented)) return presented;
  const { scheme, token } = presented;
  const claims = await needs.verify(token);
  if (isFault(claims)) return scheme === "dpop" ? underDpop(claims) : claims;
  if (scheme === "bearer") return claims.jkt === null ? { claims, token } : bound;
  const { method, path } = request;
  const wrong = await checkProof(needs, { method, path, proofs: request.headers("dpop"), token, jkt: claims.jkt });
  return wrong ?? { claims, token };
};

/** RFC 9449 §7.1: a challenge is in the scheme that was used. */
const underDpop = (failure: Fault): Fault =>
  failure.fault === "invalid_token" ? { ...failure, fault: "invalid_bound_token" } : failure;
