/**
 * Nonces of DPoP proofs (RFC 9449 §8, §9): an HMAC of the time window, so that every process hands out and accepts the same ones, and
 * nothing is stored. They bound how long before its use a proof can have been made, whatever the client's clock says.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../platform/clock.ts";

/** `dpopKey` is `derivedKey(secretKey, "dpop nonces")`. */
export type NonceNeeds = { readonly platform: { readonly clock: Clock }; readonly dpopKey: Buffer };

const window_seconds = 150;
const nonceOctets = 16;

const nonceOf = (key: Buffer, window: number): string =>
  createHmac("sha256", key).update(`dpop nonce ${window}`).digest().subarray(0, nonceOctets).toString("base64url");

const windowAt = (needs: NonceNeeds): number => Math.floor(needs.platform.clock.now() / 1000 / window_seconds);

/** The header that hands out the nonce of now. */
export const dpopNonceHeaders = (needs: NonceNeeds): Readonly<Record<"dpop-nonce", string>> => ({
  "dpop-nonce": nonceOf(needs.dpopKey, windowAt(needs)),
});

/** This window's and the last one's; and the next one's, which a process whose clock is a little ahead may have handed out. */
export const isNonce = (needs: NonceNeeds, given: unknown): boolean => {
  if (typeof given !== "string") return false;
  const octets = Buffer.from(given);
  const window = windowAt(needs);
  return [window, window - 1, window + 1].some((one) => {
    const expected = Buffer.from(nonceOf(needs.dpopKey, one));
    return octets.length === expected.length && timingSafeEqual(octets, expected);
  });
};
