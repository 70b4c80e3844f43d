/** Bounds on what comes in over HTTP (tigerbeetle's rule: put a limit on everything). */
export const bodyOctetsMax = 64 * 1024;
export const headerOctetsMax = 16 * 1024;
/** From the first octet of a request to its last. */
export const requestTimeoutMs = 15_000;
export const headersTimeoutMs = 10_000;
/** Longer than the 60 s of the load balancers in front, so that it is they who close. */
export const keepAliveTimeoutMs = 65_000;
export const idempotencyKeyLengthMax = 255;
