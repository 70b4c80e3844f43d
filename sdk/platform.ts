/**
 * What the SDK takes from its surroundings: the clock, the network, and where it tells what went wrong. Everything else is handed these,
 * so that a test can hand others.
 */
import { createHash, randomUUID } from "node:crypto";

export type Platform = {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly fetch: typeof fetch;
  /** A fresh random UUID. */
  readonly newId: () => string;
  /** Told what an operator should know: an issuer that can't be reached, a policy whose function threw. Never told a token. */
  readonly report: (message: string, error?: unknown) => void;
  /** Told every bypass, where the service has no `audit` of its own. */
  readonly note: (line: string) => void;
};

export const realPlatform: Platform = {
  now: () => Date.now(),
  fetch: (...request) => fetch(...request),
  newId: () => randomUUID(),
  report: (message, error) => console.error(`countersign: ${message}`, error instanceof Error ? error.message : ""),
  note: (line) => console.warn(line),
};

/** SHA-256 of a text, base64url. */
export const digestOf = (text: string): string => createHash("sha256").update(text).digest("base64url");
