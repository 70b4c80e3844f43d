/** The one source of time. Passed in everywhere, so that a test can move it. */
export type Clock = {
  /** Milliseconds since the epoch. */
  now(): number;
};

export const systemClock: Clock = { now: () => Date.now() };

/** Milliseconds that never go back, for measuring how long something took. */
export const monotonicMs = (): number => performance.now();

/** Whole seconds since the epoch, as JWT's NumericDate has them (RFC 7519 §2). */
export const seconds = (ms: number): number => Math.floor(ms / 1000);
