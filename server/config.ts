/**
 * The one reader of the environment. Every setting is a row of data: its name, how its text is read, its default, and what it is for;
 * docs/configuration.md is generated from the same rows. `COUNTERSIGN_X__FILE` names a file that holds the value of `COUNTERSIGN_X`.
 */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { resolve } from "node:path";
import { readRange } from "./platform/web/address.ts";

type Read<T> = (text: string) => T | { readonly wrong: string };

export type Setting<T> = {
  readonly name: string;
  readonly about: string;
  readonly fallback: string;
  readonly secret?: true;
  readonly read: Read<T>;
};

const text: Read<string> = (value) => value;
const path: Read<string> = (value) => (value === "" ? "" : resolve(value));

const whole =
  (min: number, max: number): Read<number> =>
  (value) =>
    /^\d{1,9}$/.test(value) && Number(value) >= min && Number(value) <= max
      ? Number(value)
      : { wrong: `is \`${value}\`, and must be a whole number from ${min} to ${max}` };

const url =
  (...protocols: readonly string[]): Read<string> =>
  (value) => {
    if (value === "") return value;
    const wrong = { wrong: `must be a URL that begins with ${protocols.join(" or ")}` };
    // The value is never repeated: it may hold a password.
    return protocols.some((protocol) => value.startsWith(protocol)) && URL.canParse(value) ? value : wrong;
  };

const issuer: Read<string> = (value) => {
  const wrong = { wrong: `is \`${value}\`, and must be an http(s) URL without query, fragment or trailing slash` };
  if (!URL.canParse(value)) return wrong;
  const parsed = new URL(value);
  const plain = parsed.search === "" && parsed.hash === "" && !value.endsWith("/") && parsed.username === "";
  return plain && (parsed.protocol === "https:" || parsed.protocol === "http:") ? value : wrong;
};

const hostPorts: Read<string> = (value) => {
  const all = value === "" ? [] : value.split(",");
  const wrong = all.find((one) => !/^(\[[0-9a-f:.]+\]|[a-z0-9.-]+):\d{1,5}$/i.test(one));
  return wrong === undefined ? value : { wrong: `has \`${wrong}\`, and must be host:port pairs separated by commas` };
};

const oneOf =
  <T extends string>(...allowed: readonly T[]): Read<T> =>
  (value) =>
    allowed.find((one) => one === value) ?? { wrong: `is \`${value}\`, and must be one of ${allowed.join(", ")}` };

const mailFrom: Read<string> = (value) =>
  value === "" || /^([^<>\r\n]*<[^<>\s@]+@[^<>\s@]+>|[^<>\s@]+@[^<>\s@]+)$/.test(value)
    ? value
    : { wrong: `is \`${value}\`, and must be an address, or \`Name <address>\`` };

/** `9.9.9.9`, `127.0.0.1:5353`, `[::1]:53`. */
const dnsServers: Read<string> = (value) => {
  const wrong = value
    .split(",")
    .map((one) => one.trim())
    .find((one) => one !== "" && !isDnsServer(one));
  return wrong === undefined
    ? value
    : { wrong: `names \`${wrong}\`, which is no IP address with or without a port, as in 127.0.0.1:53 or [::1]:53` };
};

const isDnsServer = (server: string): boolean => {
  const [, bracketed, plain] = /^(?:\[([^\]]+)\](?::\d{1,5})?|([^:]+)(?::\d{1,5})?)$/.exec(server) ?? [];
  return isIP(server) !== 0 || isIP(bracketed ?? plain ?? "") !== 0;
};

const addressRanges: Read<string> = (value) => {
  const wrong = listed(value).find((one) => readRange(one) === undefined);
  return wrong === undefined
    ? value
    : { wrong: `names \`${wrong}\`, which is neither an IP address nor a range such as 10.0.0.0/8` };
};

/** The members of a setting that is a list, separated by commas. */
export const listed = (value: string): readonly string[] =>
  value
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");

const setting = <T>(name: string, fallback: string, read: Read<T>, about: string): Setting<T> => ({
  name,
  fallback,
  read,
  about,
});

/** Every setting there is. The keys are the names in code; `name` is the environment's, without the prefix. */
export const settings = {
  issuer: setting(
    "ISSUER",
    "http://localhost:8080",
    issuer,
    "the URL clients know this server by; it stands in every token",
  ),
  host: setting("HOST", "127.0.0.1", text, "the address to listen on; 0.0.0.0 or :: for every interface"),
  port: setting("PORT", "8080", whole(0, 65535), "HTTP: OAuth, REST and decisions"),
  grpcPort: setting("GRPC_PORT", "8081", whole(0, 65535), "gRPC: identity.v1.Identity, health and reflection"),
  managementPort: setting("MANAGEMENT_PORT", "8082", whole(0, 65535), "health and metrics; not for the public"),
  managementHost: setting("MANAGEMENT_HOST", "127.0.0.1", text, "the address the management port listens on"),
  databaseUrl: {
    ...setting(
      "DATABASE_URL",
      "",
      url("postgres://", "postgresql://"),
      "PostgreSQL; empty runs the embedded database in the data directory",
    ),
    secret: true,
  },
  databasePoolSize: setting(
    "DATABASE_POOL_SIZE",
    "10",
    whole(1, 200),
    "connections to PostgreSQL a process holds at most",
  ),
  cacheUrl: {
    ...setting(
      "CACHE_URL",
      "",
      url("redis://", "rediss://", "redis-cluster://"),
      "Valkey or Redis; needed with PostgreSQL, and left empty with the embedded database",
    ),
    secret: true,
  },
  dataDir: setting(
    "DATA_DIR",
    "./data",
    path,
    "where bootstrap.json, the embedded database and its secret key are kept",
  ),
  model: setting("MODEL", "", path, "the access model file; empty means models/default.yaml"),
  gatewayRoutes: setting(
    "GATEWAY_ROUTES",
    "",
    path,
    "the file that says which permission each route of the gateways needs (docs/guides/gateways.md); empty lets a gateway pass only what it brings a rule for",
  ),
  secretKey: {
    ...setting(
      "SECRET_KEY",
      "",
      text,
      "32 bytes in base64 or hex that seal what must be read back; generated in the data directory for the embedded database",
    ),
    secret: true,
  },
  workers: setting("WORKERS", "1", whole(1, 128), "processes that share the ports; more than one needs PostgreSQL"),
  grpcTlsCert: setting("GRPC_TLS_CERT", "", path, "PEM certificate chain for gRPC; empty serves gRPC without TLS"),
  grpcTlsKey: setting("GRPC_TLS_KEY", "", path, "PEM private key for gRPC"),
  grpcClientCa: setting(
    "GRPC_CLIENT_CA",
    "",
    path,
    "PEM authorities whose client certificates authenticate gRPC callers (mTLS)",
  ),
  grpcMaxConnectionAgeSeconds: setting(
    "GRPC_MAX_CONNECTION_AGE_SECONDS",
    "300",
    whole(1, 86400),
    "gRPC connections are renewed this often, so that callers spread over new processes",
  ),
  outboundAllow: setting(
    "OUTBOUND_ALLOW",
    "",
    hostPorts,
    "host:port pairs, separated by commas, that clients' URLs may name although they are private or plain http; for private networks",
  ),
  shutdownGraceSeconds: setting(
    "SHUTDOWN_GRACE_SECONDS",
    "20",
    whole(0, 600),
    "how long SIGTERM lets running requests finish",
  ),
  smtpUrl: {
    ...setting(
      "SMTP_URL",
      "",
      url("smtp://", "smtps://"),
      "the mail server, smtp[s]://[user:password@]host[:port]; empty writes mail into files in the data directory, and to the log without its links",
    ),
    secret: true,
  },
  mailFrom: setting(
    "MAIL_FROM",
    "",
    mailFrom,
    "the sender of mail, `Name <address>` or an address; empty is no-reply@ the issuer's host",
  ),
  dnsServers: setting(
    "DNS_SERVERS",
    "",
    dnsServers,
    "the DNS servers that a domain's proof is looked up at, IP addresses with or without a port, separated by commas; empty asks the system's",
  ),
  trustedProxies: setting(
    "TRUSTED_PROXIES",
    "",
    addressRanges,
    "the proxies whose X-Forwarded-For is believed, IP addresses and ranges separated by commas; empty believes nobody",
  ),
  logLevel: setting("LOG_LEVEL", "info", oneOf("trace", "debug", "info", "warn", "error", "silent"), "what is logged"),
} as const satisfies Record<string, Setting<string | number>>;

type Value<S> = S extends Setting<infer T> ? T : never;
export type Config = { readonly [K in keyof typeof settings]: Value<(typeof settings)[K]> };

const prefix = "COUNTERSIGN_";
const fileSuffix = "__FILE";
/** Variables that begin like settings and belong to the tests. */
const foreign = /^COUNTERSIGN_TEST_/;

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads and checks the whole environment; every mistake is reported at once. */
export const readConfig = (
  environment: Environment = process.env,
): { readonly config: Config } | { readonly errors: readonly string[] } => {
  const errors: string[] = [];
  const names = new Set<string>(Object.values(settings).map((row) => row.name));
  for (const variable of Object.keys(environment)) {
    if (!variable.startsWith(prefix) || foreign.test(variable)) continue;
    const name = variable.slice(prefix.length).replace(/__FILE$/, "");
    if (!names.has(name))
      errors.push(`${variable} is not a setting${suggestion(name, names)}; docs/configuration.md lists them`);
  }
  const values: Record<string, string | number> = {};
  for (const [key, row] of Object.entries(settings)) {
    const given = valueOf(row.name, environment);
    if (typeof given === "object") {
      errors.push(given.wrong);
      continue;
    }
    const value = row.read(given ?? row.fallback);
    if (typeof value === "object") errors.push(`${prefix}${row.name} ${value.wrong}`);
    else values[key] = value;
  }
  if (errors.length > 0) return { errors };
  const config = values as Config;
  const together = contradictions(config);
  return together.length > 0 ? { errors: together } : { config };
};

const valueOf = (name: string, environment: Environment): string | undefined | { readonly wrong: string } => {
  const direct = environment[prefix + name];
  const file = environment[prefix + name + fileSuffix];
  if (file === undefined) return direct;
  if (direct !== undefined)
    return { wrong: `${prefix}${name} and ${prefix}${name}${fileSuffix} are both set; keep one` };
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return { wrong: `${prefix}${name}${fileSuffix} names \`${file}\`, which cannot be read` };
  }
};

const contradictions = (config: Config): readonly string[] => {
  const errors: string[] = [];
  if (config.databaseUrl === "") {
    if (config.workers > 1)
      errors.push(
        "COUNTERSIGN_WORKERS above 1 needs COUNTERSIGN_DATABASE_URL: the embedded database serves one process",
      );
    if (config.cacheUrl !== "")
      errors.push("COUNTERSIGN_CACHE_URL needs COUNTERSIGN_DATABASE_URL: the embedded database has a cache of its own");
  } else {
    if (config.cacheUrl === "")
      errors.push(
        "COUNTERSIGN_DATABASE_URL needs COUNTERSIGN_CACHE_URL: without a shared cache a revocation could be missed",
      );
    if (config.secretKey === "")
      errors.push("COUNTERSIGN_DATABASE_URL needs COUNTERSIGN_SECRET_KEY; make one with: openssl rand -base64 32");
  }
  if ((config.grpcTlsCert === "") !== (config.grpcTlsKey === ""))
    errors.push("COUNTERSIGN_GRPC_TLS_CERT and COUNTERSIGN_GRPC_TLS_KEY go together");
  if (config.grpcClientCa !== "" && config.grpcTlsCert === "")
    errors.push("COUNTERSIGN_GRPC_CLIENT_CA needs COUNTERSIGN_GRPC_TLS_CERT");
  return errors;
};

const suggestion = (name: string, names: ReadonlySet<string>): string => {
  const near = [...names].map((one) => ({ one, far: distance(name, one) })).toSorted((a, b) => a.far - b.far)[0];
  return near && near.far <= 3 ? `; did you mean ${prefix}${near.one}?` : "";
};

/** Levenshtein's distance, for a hint at a mistyped name. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)),
      );
    row = next;
  }
  return row[b.length] ?? 0;
};
