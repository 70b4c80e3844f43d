/**
 * The one way out (security.md 9): everything fetched from an address that somebody else named. Every address the name resolves to is
 * checked, the connection is made to a checked one, redirects are not followed, and size and time are bounded.
 */

export type OutboundRequest = {
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The answer's, at most; a longer one is refused. */
  readonly octetsMax?: number;
  /** For all of it: resolving, connecting, the last octet. */
  readonly timeoutMs?: number;
};

/** `headers` are in lower case; one that came twice is joined by commas. */
export type OutboundAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
};

/** Never throws for what the other side does. `refused` says why there is no answer, for a log or a developer. */
export type GuardedFetch = (
  url: string,
  request?: OutboundRequest,
) => Promise<OutboundAnswer | { readonly refused: string }>;

export type Outbound = {
  /** `host:port` pairs that may be reached though they are private or plain http; for deployments whose clients live in one network. */
  readonly allow: readonly string[];
};

export const openGuardedFetch = (_outbound: Outbound): GuardedFetch => {
  throw new Error("not there yet");
};
