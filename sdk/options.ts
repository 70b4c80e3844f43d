/** What a service says about itself, checked before it serves anything. */
import type { BypassEntry } from "./decisions/bypass.ts";
import type { ReplayStore } from "./dpop/replays.ts";
import type { Platform } from "./platform.ts";
import type { Finder } from "./route.ts";

/**
 * Allows an issuer over plain http on another machine, where nobody on the way may be an attacker: `{ [insecureIssuer]: true }`.
 * Whoever can answer in the issuer's place decides who everybody is.
 */
export const insecureIssuer = Symbol("countersign: an issuer over plain http");

/** A service account of this service's own, with a role that has `access:check` (and `tokens:introspect`, where it introspects). */
export type Credentials = { readonly clientId: string; readonly clientSecret: string };

export type Options = {
  /** Countersign's URL, as its metadata says it, to the octet. */
  readonly issuer: string;
  /**
   * Who tokens for this service are meant for (RFC 9068 §4): the URL clients name as `resource`, or several of them. Never left out: a service
   * that takes any audience takes tokens other services were given.
   */
  readonly audience: string | readonly string[];
  /**
   * `jwt`, the default: the signature is checked here, without a call; a revocation is seen when the token expires, or by the first decision.
   * `introspection`: Countersign is asked about every token, so opaque and API tokens work and a revocation is seen at once.
   */
  readonly verify?: "jwt" | "introspection";
  /** With what decisions are asked for, and tokens introspected. Without them decisions are asked for with the caller's own token. */
  readonly credentials?: Credentials;
  /**
   * Where clients reach this service: what stands before the paths it sees. The origin of its audience unless said. DPoP proofs name it; a
   * Host header is never believed.
   */
  readonly url?: string;
  /** The collection tenants are in by the access model; `organizations` unless said. */
  readonly tenants?: string;
  /** The tenant a principal of the host wants to act in, for routes that find none themselves. See `PermissionRule.tenant`. */
  readonly tenant?: Finder<string>;
  /** RFC 9449: where used proofs are remembered, and whether they have to carry a nonce of ours. */
  readonly dpop?: {
    /** In this process unless said: with several processes, hand in one they share. */
    readonly replays?: ReplayStore;
    /** Proofs then carry a nonce made with this secret, which the processes of a service share; at least 32 octets. */
    readonly nonceSecret?: Uint8Array;
  };
  /** Signature algorithms access tokens may have; `ES256` unless said. Never `none`, and never one with a shared key. */
  readonly algorithms?: readonly string[];
  /**
   * Told of every request that a super admin's rule let pass, before it runs. When it fails, so does the request: there is no bypass without
   * a record. One line of JSON on standard error unless given.
   */
  readonly audit?: (entry: BypassEntry) => void | Promise<void>;
  /** How long an answer of Countersign is waited for; 3000 ms unless said. */
  readonly timeoutMs?: number;
  /** RFC 9728: what the metadata of this resource says beside the rest, such as `resource_name` and `scopes_supported`. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** For tests. */
  readonly platform?: Partial<Platform>;
  readonly [insecureIssuer]?: true;
};

/** Options with everything filled in. */
export type Settled = Omit<Options, "audience" | "verify" | "algorithms" | "timeoutMs" | "tenants"> & {
  readonly audience: readonly string[];
  readonly verify: "jwt" | "introspection";
  readonly algorithms: readonly string[];
  readonly timeoutMs: number;
  readonly tenants: string;
  /** Where clients reach this service; undefined where nothing says it, and proofs can't be checked. */
  readonly base: string | undefined;
};

const optionNames =
  "issuer audience verify credentials url tenants tenant dpop algorithms audit timeoutMs metadata platform".split(" ");
const dpopNames = ["replays", "nonceSecret"];
const asymmetric = ["ES256", "ES384", "PS256", "RS256", "EdDSA", "Ed25519"];
const timeout_ms_default = 3_000;
const timeout_ms_max = 60_000;
const nonce_secret_octets_min = 32;
/** A collection's name, as refs begin with. */
const collection = /^[a-z][a-z0-9_-]{0,63}$/;
const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Reads the options. Throws a TypeError that says what to do: a service must not start on a guess. */
export const settle = (given: Options): Settled => {
  const audience = audienceOf((given as Partial<Options> | undefined)?.audience);
  checkNames(given);
  if (given.verify !== undefined && given.verify !== "jwt" && given.verify !== "introspection")
    refuse("`verify` is `jwt` or `introspection`");
  checkIssuer(given);
  checkCredentials(given);
  const algorithms: unknown = given.algorithms ?? ["ES256"];
  if (!isListOf(algorithms, asymmetric)) refuse(`\`algorithms\` is a list of some of ${asymmetric.join(", ")}`);
  checkDpop(given);
  const timeoutMs = given.timeoutMs ?? timeout_ms_default;
  if (!(Number.isInteger(timeoutMs) && timeoutMs > 0 && timeoutMs <= timeout_ms_max))
    refuse(`\`timeoutMs\` is a whole number of milliseconds, ${timeout_ms_max} at most`);
  const tenants = given.tenants ?? "organizations";
  if (typeof tenants !== "string" || !collection.test(tenants))
    refuse("`tenants` is the name of a collection, such as `organizations`");
  for (const name of ["tenant", "audit"] as const)
    if (given[name] !== undefined && typeof given[name] !== "function") refuse(`\`${name}\` is a function`);
  checkMetadata(given);
  return {
    ...given,
    audience,
    verify: given.verify ?? "jwt",
    algorithms: algorithms as readonly string[],
    timeoutMs,
    tenants,
    base: baseOf(given.url, given.issuer, audience),
  };
};

const refuse = (why: string): never => {
  throw new TypeError(`countersign(): ${why}`);
};

const isListOf = (value: unknown, known: readonly string[]): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((one) => known.includes(one as string));

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A slip in the name of an option would leave out what it was to do, and nobody would be told. */
const checkNames = (given: Options): void => {
  const unknown = Object.keys(given).filter((name) => !optionNames.includes(name));
  if (unknown.length > 0) refuse(`\`${unknown.join("`, `")}\` is no option; there are ${optionNames.join(", ")}`);
};

const checkDpop = ({ dpop }: Options): void => {
  if (dpop === undefined) return;
  if (!isObject(dpop)) refuse("`dpop` is an object");
  const unknown = Object.keys(dpop).filter((name) => !dpopNames.includes(name));
  if (unknown.length > 0)
    refuse(`\`dpop.${unknown.join("`, `dpop.")}\` is no option; there are ${dpopNames.join(", ")}`);
  const { replays, nonceSecret } = dpop;
  if (replays !== undefined && typeof (replays as Partial<ReplayStore>).spend !== "function")
    refuse("`dpop.replays` has a function `spend(key, expiresAt)`, which is true for the first to come with a key");
  if (
    nonceSecret !== undefined &&
    !(nonceSecret instanceof Uint8Array && nonceSecret.length >= nonce_secret_octets_min)
  )
    refuse(`\`dpop.nonceSecret\` has at least ${nonce_secret_octets_min} octets`);
};

const checkMetadata = ({ metadata }: Options): void => {
  if (metadata === undefined) return;
  if (!isObject(metadata) || !isJson(metadata)) refuse("`metadata` is an object that can be written as JSON");
  for (const name of ["resource", "authorization_servers"])
    if (Object.hasOwn(metadata, name)) refuse(`\`metadata.${name}\` is what \`audience\` and \`issuer\` say`);
};

const isJson = (value: unknown): boolean => {
  try {
    JSON.stringify(value);
    return true;
  } catch {
    return false;
  }
};

const audienceOf = (given: unknown): readonly string[] => {
  const all: readonly unknown[] = Array.isArray(given) ? given : [given];
  const texts = all.filter((one) => typeof one === "string" && one.trim() !== "") as readonly string[];
  const odd = texts.find((one) => /\s/.test(one));
  if (odd !== undefined) refuse(`\`audience\` is compared to the octet, and \`${odd}\` has white space in it`);
  return texts.length > 0 && texts.length === all.length
    ? texts
    : refuse(
        "`audience` is missing: name who tokens for this service are meant for, such as `https://api.example.com`. Without it every token " +
          "of the issuer would open this service, those meant for others included",
      );
};

const checkIssuer = (given: Options): void => {
  const issuer: unknown = given.issuer;
  if (issuer === undefined || issuer === "")
    refuse("`issuer` is missing: Countersign's URL, such as `https://id.example.com`");
  if (typeof issuer !== "string" || !URL.canParse(issuer))
    return refuse("`issuer` is Countersign's URL, such as `https://id.example.com`");
  const { protocol, hostname, username, password, origin, pathname, search, hash } = new URL(issuer);
  const isWeb = protocol === "https:" || protocol === "http:";
  const plain = origin + pathname.replace(/\/\.well-known\/.*$/, "").replace(/\/+$/, "");
  const more = [username, password, search, hash].some((part) => part !== "") || issuer.endsWith("/");
  if (!isWeb || more || pathname.includes("/.well-known/"))
    refuse(
      `\`issuer\` is an http(s) URL without credentials, query, fragment, trailing slash and well-known path, as the issuer's metadata has it${
        isWeb ? `: write \`${plain}\`` : ""
      }`,
    );
  if (protocol === "http:" && !loopback.test(hostname) && given[insecureIssuer] !== true)
    refuse(
      "`issuer` is reached over plain http on another machine: whoever stands in between decides who everybody is. Use https, or say " +
        "`[insecureIssuer]: true` where nobody can",
    );
};

const checkCredentials = ({ credentials, verify, audience, issuer }: Options): void => {
  if (credentials !== undefined) {
    const missing = (["clientId", "clientSecret"] as const).filter(
      (name) => !isText((credentials as Partial<Credentials> | null)?.[name]),
    );
    if (missing.length > 0)
      refuse(
        `\`credentials\` has a \`clientId\` and a \`clientSecret\`, and \`${missing.join("` and `")}\` is missing`,
      );
    return;
  }
  if (verify === "introspection") refuse("introspection needs `credentials`");
  const audiences: readonly string[] = typeof audience === "string" ? [audience] : audience;
  // RFC 9068 §4: Countersign itself takes tokens that are meant for it, and no others.
  if (!audiences.some((one) => one === issuer || one.startsWith(`${issuer}/`)))
    refuse(
      "`credentials` is missing: tokens for this audience open nothing at Countersign, so decisions are asked for with a service account of " +
        "this service's own, whose role has `access:check`",
    );
};

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

/** The service's own URL. The issuer's is not it, even where it is the audience; and of an audience only the origin is known to be reached. */
const baseOf = (url: string | undefined, issuer: string, audience: readonly string[]): string | undefined => {
  if (url !== undefined && !isWebUrl(url)) refuse("`url` is an http(s) URL without credentials, query and fragment");
  if (url !== undefined) return url.replace(/\/+$/, "");
  const own = audience.find((one) => isWebUrl(one) && new URL(one).origin !== new URL(issuer).origin);
  return own === undefined ? undefined : new URL(own).origin;
};

const isWebUrl = (text: string): boolean => {
  if (typeof text !== "string" || !URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return (protocol === "https:" || protocol === "http:") && username + password + search + hash === "";
};
