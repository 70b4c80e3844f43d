/**
 * The one way out (security.md 9): everything fetched from an address that somebody else named. Every address the name resolves to is
 * checked, the connection is made to a checked one and looked at again when it stands, redirects are not followed, and size, time and
 * number are bounded.
 */
import { lookup } from "node:dns/promises";
import * as http from "node:http";
import * as https from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { isPublicAddress } from "./addresses.ts";

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

export type OutboundRefusal = { readonly refused: string };

/** Never throws for what the other side does. `refused` says why there is no answer, for a log or a developer. */
export type GuardedFetch = (url: string, request?: OutboundRequest) => Promise<OutboundAnswer | OutboundRefusal>;

export type Outbound = {
  /** `host:port` that may be reached though it is private or plain http: for deployments whose clients live in their own network. */
  readonly allow: readonly string[];
  /** All addresses of a host name. The system's resolver, unless a test has another. */
  readonly addressesOf?: (host: string) => Promise<readonly string[]>;
};

const octetsMaxDefault = 64 * 1024;
const timeoutMsDefault = 5_000;
const headerOctetsMax = 16 * 1024;
const urlLengthMax = 2_000;
/** Under way at once, in this process. A stranger's slow servers must not hold all we have. */
const atOnceMax = 50;

const systemAddressesOf = async (host: string): Promise<readonly string[]> =>
  (await lookup(host, { all: true, order: "verbatim" })).map(({ address }) => address);

export const openGuardedFetch = ({ allow, addressesOf = systemAddressesOf }: Outbound): GuardedFetch => {
  const allowed = new Set(allow.map((one) => one.toLowerCase()));
  const running = { count: 0 };
  return async (text, request = {}) => {
    const target = readTarget(text, allowed);
    if ("refused" in target) return target;
    if (running.count >= atOnceMax) return { refused: "too many outbound requests are under way" };
    running.count += 1;
    try {
      return await withDeadline(request.timeoutMs ?? timeoutMsDefault, async (signal) => {
        const addresses = isIP(target.host) === 0 ? await addressesOf(target.host) : [target.host];
        const barred = target.anywhere ? undefined : addresses.find((address) => !isPublicAddress(address));
        if (barred !== undefined || addresses.length === 0)
          return { refused: `\`${target.host}\` has an address that may not be reached` };
        signal.throwIfAborted();
        return exchange(target, addresses, request, signal);
      });
    } catch (error) {
      return { refused: reasonOf(error) };
    } finally {
      running.count -= 1;
    }
  };
};

type Target = { readonly url: URL; readonly host: string; readonly anywhere: boolean };

/** The URL parser has by now turned decimal, octal and hexadecimal hosts into the addresses they stand for. */
const readTarget = (text: string, allowed: ReadonlySet<string>): Target | OutboundRefusal => {
  const url = text.length <= urlLengthMax && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return { refused: "the URL is malformed, or too long" };
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  const anywhere = allowed.has(`${url.hostname}:${port}`);
  if (url.protocol !== "https:" && !(anywhere && url.protocol === "http:"))
    return { refused: "the URL must begin with https://" };
  if (url.username !== "" || url.password !== "") return { refused: "the URL must not carry credentials" };
  return host === "" ? { refused: "the URL has no host" } : { url, host, anywhere };
};

const withDeadline = async <T>(timeoutMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const abort = new AbortController();
  const deadline = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = new Error(`no answer within ${timeoutMs} ms`);
    abort.abort(error);
    deadline.reject(error);
  }, timeoutMs);
  try {
    return await Promise.race([work(abort.signal), deadline.promise]);
  } finally {
    clearTimeout(timer);
  }
};

const exchange = (
  { url, anywhere }: Target,
  addresses: readonly string[],
  { method = "GET", headers = {}, body, octetsMax = octetsMaxDefault }: OutboundRequest,
  signal: AbortSignal,
): Promise<OutboundAnswer | OutboundRefusal> =>
  new Promise((resolve, reject) => {
    const { request } = url.protocol === "https:" ? https : http;
    const sent = request(url, {
      method,
      signal,
      // A connection of its own: none that somebody else's request has opened is used again, and no proxy from the environment.
      agent: false,
      lookup: pinned(addresses),
      maxHeaderSize: headerOctetsMax,
      headers: { "user-agent": "Countersign", accept: "application/json", ...headers, "accept-encoding": "identity" },
    });
    const refuse = (refused: string): void => {
      resolve({ refused });
      sent.destroy();
    };
    sent.on("error", reject);
    sent.on("socket", (socket) =>
      socket.once("connect", () => {
        if (!anywhere && !isPublicAddress(socket.remoteAddress ?? ""))
          refuse("the connected address may not be reached");
      }),
    );
    sent.on("response", (response) => {
      if ((response.headers["content-encoding"] ?? "identity") !== "identity")
        return refuse("the answer is compressed, which was not asked for");
      const chunks: Buffer[] = [];
      let octets = 0;
      response.on("data", (chunk: Buffer) => {
        octets += chunk.length;
        if (octets > octetsMax) refuse(`the answer is larger than ${octetsMax} octets`);
        else chunks.push(chunk);
      });
      response.on("error", reject);
      response.on("aborted", () => reject(new Error("the answer broke off")));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: joined(response.headers), body: Buffer.concat(chunks) }),
      );
    });
    sent.end(body);
  });

/** Answers a connection's question for addresses with the ones that were checked: the name is resolved once (no rebinding). */
const pinned = (addresses: readonly string[]): LookupFunction => {
  const all = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, options, done) => {
    const [first] = all;
    if (options.all === true) done(null, all);
    else if (first === undefined) done(new Error("no address"), "");
    else done(null, first.address, first.family);
  };
};

const joined = (headers: http.IncomingHttpHeaders): OutboundAnswer["headers"] =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
  );

/** Codes and our own sentences; nothing of what the other side wrote. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return "the request failed";
  const code = "code" in error ? String(error.code) : "";
  return code === "" || code === "ABORT_ERR"
    ? error.cause instanceof Error
      ? error.cause.message
      : error.message
    : code;
};
