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

const asymmetric = ["ES256", "ES384", "PS256", "RS256", "EdDSA", "Ed25519"];
const timeout_ms_default = 3_000;
const nonce_secret_octets_min = 32;
const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Reads the options. Throws a TypeError that says what to do: a service must not start on a guess. */
export const settle = (given: Options): Settled => {
  const audience = audienceOf((given as Partial<Options> | undefined)?.audience);
  if (given.verify !== undefined && given.verify !== "jwt" && given.verify !== "introspection")
    refuse("`verify` is `jwt` or `introspection`");
  checkIssuer(given);
  checkCredentials(given);
  const algorithms = given.algorithms ?? ["ES256"];
  if (algorithms.length === 0 || !algorithms.every((one) => asymmetric.includes(one)))
    refuse(`\`algorithms\` may name ${asymmetric.join(", ")}`);
  const secret = given.dpop?.nonceSecret;
  if (secret !== undefined && !(secret instanceof Uint8Array && secret.length >= nonce_secret_octets_min))
    refuse(`\`dpop.nonceSecret\` has at least ${nonce_secret_octets_min} octets`);
  const timeoutMs = given.timeoutMs ?? timeout_ms_default;
  if (!(Number.isFinite(timeoutMs) && timeoutMs > 0)) refuse("`timeoutMs` is a number of milliseconds");
  return {
    ...given,
    audience,
    verify: given.verify ?? "jwt",
    algorithms,
    timeoutMs,
    tenants: given.tenants ?? "organizations",
    base: baseOf(given.url, given.issuer, audience),
  };
};

const refuse = (why: string): never => {
  throw new TypeError(`countersign(): ${why}`);
};

const audienceOf = (given: unknown): readonly string[] => {
  const all: readonly unknown[] = Array.isArray(given) ? given : [given];
  const texts = all.filter((one) => typeof one === "string" && one.trim() !== "") as readonly string[];
  return texts.length > 0 && texts.length === all.length
    ? texts
    : refuse(
        "`audience` is missing: name who tokens for this service are meant for, such as `https://api.example.com`. Without it every token " +
          "of the issuer would open this service, those meant for others included",
      );
};

const checkIssuer = (given: Options): void => {
  if (typeof given.issuer !== "string" || !URL.canParse(given.issuer)) refuse("`issuer` is Countersign's URL");
  const { protocol, hostname, search, hash } = new URL(given.issuer);
  if ((protocol !== "https:" && protocol !== "http:") || search !== "" || hash !== "" || given.issuer.endsWith("/"))
    refuse("`issuer` is an http(s) URL without query, fragment and trailing slash, as the issuer's metadata has it");
  if (protocol === "http:" && !loopback.test(hostname) && given[insecureIssuer] !== true)
    refuse(
      "`issuer` is reached over plain http on another machine: whoever stands in between decides who everybody is",
    );
};

const checkCredentials = ({ credentials, verify, audience, issuer }: Options): void => {
  if (credentials !== undefined && !(isText(credentials.clientId) && isText(credentials.clientSecret)))
    refuse("`credentials` has a `clientId` and a `clientSecret`");
  if (credentials !== undefined) return;
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
  if (url !== undefined && !isWebUrl(url)) refuse("`url` is an http(s) URL without query and fragment");
  if (url !== undefined) return url.replace(/\/+$/, "");
  const own = audience.find((one) => isWebUrl(one) && new URL(one).origin !== new URL(issuer).origin);
  return own === undefined ? undefined : new URL(own).origin;
};

const isWebUrl = (text: string): boolean => {
  if (typeof text !== "string" || !URL.canParse(text)) return false;
  const { protocol, search, hash } = new URL(text);
  return (protocol === "https:" || protocol === "http:") && search === "" && hash === "";
};
