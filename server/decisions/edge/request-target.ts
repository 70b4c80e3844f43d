/**
 * Reads where a request was sent, so that the gateway, this server and the service behind can only read it alike. What one of them might
 * read otherwise is refused and never repaired: a repaired path is one that the service behind has not seen.
 *
 * Refused are, in the path: a target that is not in origin form, empty segments (`//`), `.` and `..` however they are encoded, a backslash,
 * a slash, `%`, `;`, `?` or `#` behind a percent sign (so nothing is encoded twice), control characters, what is no UTF-8, `;` (path
 * parameters, which some servers cut off), and what turns into one of these by Unicode's compatibility forms. A method is upper case.
 */
import { type Fault, fault, isFault, type Result } from "../../../core/faults.ts";

/** A header line of the request that was sent to the gateway: its name in lower case, its value as it came. */
export type HeaderLine = readonly [name: string, value: string];

/** The request that was sent to the gateway, as the gateway tells it. */
export type SentRequest = {
  readonly method: string;
  /** The request target in origin form, with its query. */
  readonly uri: string;
  /** As the `Host` header or `:authority` had it. */
  readonly host: string;
  /** `http` or `https`. */
  readonly scheme: string;
  readonly lines: readonly HeaderLine[];
  /** The client's, where the gateway vouches for it. What the client says of it is in `lines` and nowhere else. */
  readonly address: string | undefined;
};

export type RequestTarget = {
  /** Upper case. */
  readonly method: string;
  readonly scheme: "http" | "https";
  /** Lower case, without the scheme's own port. */
  readonly host: string;
  /** As sent, without the query. */
  readonly path: string;
  /** The path's segments, decoded. The last is empty where the path ends with a slash. */
  readonly segments: readonly string[];
};

const uriLengthMax = 8_192;
const segmentsMax = 64;
const hostLengthMax = 260;
const methodForm = /^[A-Z]{1,20}$/;
/** RFC 9112 §3.2.1, printable ASCII and no fragment; the path's own characters are checked by segment. */
const originForm = /^\/[!"$-~]*$/;
/** RFC 3986 `pchar`, without `;`. */
const segmentForm = /^(?:[A-Za-z0-9\-._~!$&'()*+,=:@]|%[0-9A-Fa-f]{2})*$/;
const hostForm = /^(?:[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]{2,45}\])(?::(\d{1,5}))?$/;
const ownPort = { http: "80", https: "443" } as const;

const refuse = (why: string): Fault => fault("permission_denied", `the request is not let through: ${why}`);

export const readTarget = (sent: SentRequest): Result<RequestTarget> => {
  if (!methodForm.test(sent.method)) return refuse("its method is not upper-case letters");
  const scheme = sent.scheme === "http" || sent.scheme === "https" ? sent.scheme : undefined;
  if (scheme === undefined) return refuse("its scheme is neither http nor https");
  const host = readHost(sent.host, scheme);
  if (isFault(host)) return host;
  const read = readPath(sent.uri);
  return isFault(read) ? read : { method: sent.method, scheme, host: host.host, ...read };
};

/** Lower case; the scheme's own port is left out, and every other kept. */
const readHost = (text: string, scheme: "http" | "https"): Result<{ readonly host: string }> => {
  const host = text.toLowerCase();
  const found = host.length <= hostLengthMax ? hostForm.exec(host) : null;
  if (found === null || host.includes(".."))
    return refuse("its host is not a name or an address with or without a port");
  return { host: found[1] === ownPort[scheme] ? host.slice(0, host.lastIndexOf(":")) : host };
};

const readPath = (uri: string): Result<Pick<RequestTarget, "path" | "segments">> => {
  if (uri.length > uriLengthMax || !originForm.test(uri)) return refuse("its target is not a path of plain characters");
  const query = uri.indexOf("?");
  const path = query < 0 ? uri : uri.slice(0, query);
  const texts = path.slice(1).split("/");
  if (texts.length > segmentsMax) return refuse("its path has too many segments");
  const segments: string[] = [];
  for (const [at, text] of texts.entries()) {
    if (text === "" && at < texts.length - 1) return refuse("its path has an empty segment");
    const segment = readSegment(text);
    if (segment === undefined) return refuse("its path can be read in more than one way");
    segments.push(segment);
  }
  return { path, segments };
};

/** The segment, decoded; undefined for one that somebody might read otherwise. */
const readSegment = (text: string): string | undefined => {
  if (!segmentForm.test(text)) return undefined;
  const segment = text.includes("%") ? decoded(text) : text;
  if (segment === undefined || isAmbiguous(segment) || isAmbiguous(segment.normalize("NFKC"))) return undefined;
  return segment;
};

/** Undefined for octets that are no UTF-8, which overlong forms are not either. */
const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};

const isAmbiguous = (segment: string): boolean =>
  segment === "." || segment === ".." || /[\p{Cc}/\\%;?#]/u.test(segment);
