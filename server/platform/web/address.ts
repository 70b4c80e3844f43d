/**
 * Who called, in the eyes of the proxies that are trusted. `X-Forwarded-For` is believed as far as it was written by proxies named in
 * the settings: from the right, the first address that is none of them. Anybody may write what stands further left.
 */
import type { IncomingMessage } from "node:http";

/** `trusted` are addresses and CIDR ranges. Throws where one of them is neither. */
export const addressReader =
  (_trusted: readonly string[]): ((request: IncomingMessage) => string) =>
  () => {
    throw new Error("addresses are not read yet");
  };
