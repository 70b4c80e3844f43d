/** Nonces for DPoP proofs (RFC 9449 §9): an HMAC of the time window, so that every process of a service makes the same and stores none. */
import { createHmac, timingSafeEqual } from "node:crypto";

export type Nonces = { readonly current: () => string; readonly isOne: (given: unknown) => boolean };

const window_seconds = 150;
const nonce_octets = 16;

/** `now` in milliseconds. */
export const noncesOf = (secret: Uint8Array, now: () => number): Nonces => {
  const at = (): number => Math.floor(now() / 1000 / window_seconds);
  const nonce = (window: number): string =>
    createHmac("sha256", secret)
      .update(`dpop nonce ${window}`)
      .digest()
      .subarray(0, nonce_octets)
      .toString("base64url");
  return {
    current: () => nonce(at()),
    // This window's, the last one's, and the next one's, which a process whose clock is ahead may have handed out.
    isOne: (given) => {
      if (typeof given !== "string") return false;
      const octets = Buffer.from(given);
      return [0, -1, 1].some((step) => {
        const expected = Buffer.from(nonce(at() + step));
        return octets.length === expected.length && timingSafeEqual(octets, expected);
      });
    },
  };
};
