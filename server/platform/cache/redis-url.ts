// Reads the address of a cache. Apart from the connection, because what goes wrong here must be said without repeating the URL, which
// may hold a password (node's own message for a malformed URL carries all of it).

export type RedisTarget = {
  readonly cluster: boolean;
  readonly tls: boolean;
  /** The server, or the nodes of a cluster to ask first. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** `host:port`, or several with commas: what may be printed. */
  readonly address: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Logical database; a cluster has only 0. */
  readonly database: number;
};

const shape =
  /^(?<scheme>rediss?)(?<cluster>-cluster)?:\/\/(?:(?<user>[^/]*)@)?(?<hosts>[^/@?#]+)(?:\/(?<database>\d*))?$/;
const authority = /^(?<host>\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::(?<port>\d{1,5}))?$/;
const defaultPort = 6379;
const portMax = 65_535;
const malformed =
  "the cache URL is malformed: expected redis://host:port/database, rediss://… or redis-cluster://host:port,host:port";

/**
 * `redis://`, `rediss://` (TLS), with `user:password@` and `/database`; `redis-cluster://` and `rediss-cluster://`, with several
 * `host:port` and commas between. Throws an error that says what is expected, and repeats nothing of the URL.
 */
export const parseRedisUrl = (url: string): RedisTarget => {
  const { scheme, cluster, user, hosts = "", database = "" } = shape.exec(url)?.groups ?? {};
  const nodes = hosts.split(",").map(parseNode);
  const alone = cluster === undefined;
  if (
    scheme === undefined ||
    !nodes.every((node) => node !== undefined) ||
    (alone ? nodes.length > 1 : database !== "")
  ) {
    throw new Error(malformed);
  }
  const [username, password] = parseUser(user ?? "");
  return {
    cluster: !alone,
    tls: scheme === "rediss",
    nodes,
    address: nodes.map(({ host, port }) => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`)).join(","),
    username,
    password,
    database: Number(database),
  };
};

const parseNode = (text: string): { host: string; port: number } | undefined => {
  const { host, port } = authority.exec(text)?.groups ?? {};
  const number = Number(port ?? defaultPort);
  return host === undefined || number > portMax ? undefined : { host: host.replace(/^\[(.*)\]$/, "$1"), port: number };
};

const parseUser = (user: string): readonly [string | undefined, string | undefined] => {
  const colon = user.indexOf(":");
  const name = colon < 0 ? user : user.slice(0, colon);
  const secret = colon < 0 ? "" : user.slice(colon + 1);
  return [name === "" ? undefined : decode(name), secret === "" ? undefined : decode(secret)];
};

/** As it is written, where it is no percent-encoding. */
const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
