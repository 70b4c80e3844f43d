/** What the load generator's two protocols have in common: lanes, each of which has one request in flight at a time. */

/** `send` takes the request's bytes as the protocol's encoder made them. */
export type Lane = { send(request: Uint8Array): void; close(): void };

/** `body` is the answer's, or, where the answer is not good, whatever says why. It is valid only during the call. */
export type Answered = (lane: number, ok: boolean, body: Buffer) => void;
