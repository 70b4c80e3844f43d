/** DPoP (RFC 9449): whoever presents a token, or asks for one, proves that it has the key the token is bound to. */
import type { Result } from "../../../core/faults.ts";
import type { Platform } from "../../platform/platform.ts";
import type { WebRequest } from "../../platform/web/request.ts";

/** What checking proofs needs: `dpopKey` is `derivedKey(secretKey, "dpop nonces")`. */
export type Proving = { readonly platform: Platform; readonly issuer: string; readonly dpopKey: Buffer };

export type Proven = { readonly jkt: string };

export type Expected = {
  /** At a resource: the token as it was presented, which `ath` must be the hash of. Faults are then 401s. */
  readonly accessToken?: string;
  /** The key it must be: a missing proof is then a fault too. */
  readonly expectedJkt?: string | null;
  /** Whether a request without a proof is refused (`dpop_bound_access_tokens`). */
  readonly required?: boolean;
};

/** What of a request a proof is about. */
export type ProvenRequest = Pick<WebRequest, "method" | "path" | "headers">;

/** Undefined where the request carries no proof and needs none. Opens a transaction of its own: call it before yours. */
export const checkProof = async (
  _needs: Proving,
  _request: ProvenRequest,
  _expected: Expected = {},
): Promise<Result<Proven | undefined>> => {
  throw new Error("not written yet");
};
