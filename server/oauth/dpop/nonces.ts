/** Nonces of DPoP proofs (RFC 9449 §8, §9): an HMAC of the time window, so that every process hands out and accepts the same ones. */
import type { Clock } from "../../platform/clock.ts";

export type NonceNeeds = { readonly platform: { readonly clock: Clock }; readonly dpopKey: Buffer };

/** The header that hands out the nonce of now. */
export const dpopNonceHeaders = (_needs: NonceNeeds): Readonly<Record<"dpop-nonce", string>> => {
  throw new Error("not written yet");
};
