// A connection to Redis or Valkey, alone or as a cluster, that is either up and known, or not there at all.
//
// A `Link` is one connection to one incarnation of the server. A command is sent over the link it was composed for or fails with it;
// nothing waits in a queue to be sent over the next one. That is why this file reconnects by itself, with a new client each time,
// and leaves nothing of the kind to node-redis. When a link is lost, or has not answered for a quarter of a second, whatever it
// was asked fails at once, and the next one is sought without end.
//
// RESP2: we ask for nothing that RESP3 adds, both measured the same, and it spares the handshake and works through every proxy.
// node-redis's own command timeout is off: it makes an AbortSignal for each command, which costs more than the rest of the command
// together (9 µs a GET against 3.3), and it stops at the socket, so it never notices a server that is silent. One PING at a time
// does, for all commands before it, because answers come in order.
import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { createClient, createCluster } from "redis";
import type { Log } from "../log.ts";
import { parseRedisUrl, type RedisTarget } from "./redis-url.ts";

/** A link silent for two beats is lost. */
const beatMs = 125;
const connectMsMax = 1_000;
const reconnectMsMin = 20;
const reconnectMsMax = 500;
/** The first part of the server's `run_id`. */
const incarnationCharacters = 8;
/** A cluster has no one server whose restart could be noticed. */
const clusterIncarnation = "cluster:";

export type Link = {
  /**
   * Names the run of the server at the other end; keys begin with it, so that what an earlier run left behind (a snapshot, a replica
   * promoted) is never found. The same for every cluster: there, only the age of an entry bounds what a restored node can say.
   */
  readonly incarnation: string;
  /** Sends one command. In a cluster `key` says where to. Rejects when the link is lost first. */
  send(key: string, args: readonly string[]): Promise<unknown>;
};

/** A Lua script, known to the server by its digest once it has run there. */
export type Script = { readonly source: string; readonly sha1: string };

export const script = (source: string): Script => ({ source, sha1: createHash("sha1").update(source).digest("hex") });

/** Runs a script, sending its text only to a server that does not have it. The first key says where to. */
export const evaluate = async (
  link: Link,
  { source, sha1 }: Script,
  keys: readonly string[],
  args: readonly string[],
): Promise<unknown> => {
  const [key = ""] = keys;
  const rest = [String(keys.length), ...keys, ...args];
  try {
    return await link.send(key, ["EVALSHA", sha1, ...rest]);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
    return await link.send(key, ["EVAL", source, ...rest]);
  }
};

export type StreamEntry = { readonly id: string; readonly fields: Readonly<Record<string, string>> };

export type Redis = {
  /** The link, while there is one. */
  link(): Link | undefined;
  /** A link other than `lost`: the one there is, or the next within `ms`; undefined when there was none. */
  nextLink(lost: Link | undefined, ms: number): Promise<Link | undefined>;
  /** Gives the link up, for one that is better connected: it answers, but refuses to write. */
  giveUp(link: Link, reason: string): void;
  /** Appends to a stream kept at about `length` entries, and returns the entry's id. Throws while unreachable. */
  xadd(stream: string, fields: Readonly<Record<string, string>>, length: number): Promise<string>;
  /** The newest entries of a stream, newest first, down to the one after `after`. Throws while unreachable. */
  xrevrange(stream: string, count: number, after?: string): Promise<readonly StreamEntry[]>;
  close(): Promise<void>;
};

/**
 * Connects to `redis://`, `rediss://`, `redis-cluster://host:port,host:port` or `rediss-cluster://…`, and stays connected. Throws when
 * the first attempt fails, saying where and why, and never with what secret.
 */
export const openRedis = async ({ url, log }: { readonly url: string; readonly log: Log }): Promise<Redis> => {
  const target = parseRedisUrl(url);
  const now: { connection: Connection | undefined; closed: boolean } = { connection: undefined, closed: false };
  const waiting = new Set<(link: Link) => void>();

  const adopt = (made: Connection): void => {
    if (now.closed) return made.destroy();
    now.connection = made;
    made.onceLost((reason) => {
      if (now.connection !== made) return;
      now.connection = undefined;
      log.warn({ cache: target.address, reason }, "the cache is lost, the database is asked instead");
      void reconnect();
    });
    if (now.connection === made) for (const resume of waiting) resume(made.link);
  };

  const reconnect = async (): Promise<void> => {
    for (let wait = reconnectMsMin; !now.closed; wait = Math.min(2 * wait, reconnectMsMax)) {
      await pause(wait);
      const made = await connect(target).catch(() => undefined);
      if (made === undefined) continue;
      log.info({ cache: target.address }, "the cache is back");
      return adopt(made);
    }
  };

  adopt(await connectOrExplain(target));

  const send = (key: string, args: readonly string[]): Promise<unknown> =>
    now.connection?.link.send(key, args) ??
    Promise.reject(new Error(`the cache at \`${target.address}\` is unreachable`));

  return {
    link: () => now.connection?.link,
    nextLink: (lost, ms) => {
      const link = now.connection?.link;
      if (link !== undefined && link !== lost) return Promise.resolve(link);
      return new Promise((resolve) => {
        const finish = (found: Link | undefined): void => {
          clearTimeout(timer);
          waiting.delete(finish);
          resolve(found);
        };
        const timer = setTimeout(finish, Math.max(0, ms), undefined);
        waiting.add(finish);
      });
    },
    giveUp: (link, reason) => {
      if (now.connection?.link === link) now.connection.lose(reason);
    },
    xadd: async (stream, fields, length) =>
      String(
        await send(stream, ["XADD", stream, "MAXLEN", "~", String(length), "*", ...Object.entries(fields).flat()]),
      ),
    xrevrange: async (stream, count, after) => {
      const floor = after === undefined ? "-" : `(${after}`;
      const entries = await send(stream, ["XREVRANGE", stream, "+", floor, "COUNT", String(count)]);
      return (entries as [string, string[]][]).map(([id, flat]) => ({ id, fields: pairs(flat) }));
    },
    close: async () => {
      const last = now.connection;
      now.closed = true;
      now.connection = undefined;
      await last?.finish();
    },
  };
};

const pairs = (flat: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index], flat[2 * index + 1]]));

/** The first connection. What fails is said with the address, and without the URL, which may hold a password. */
export const connectOrExplain = async (target: RedisTarget): Promise<Connection> => {
  try {
    return await connect(target);
  } catch (error) {
    const { code, message } = (error instanceof Error ? error : new Error(String(error))) as Error & { code?: unknown };
    const why = message !== "" ? message : typeof code === "string" ? code : "no answer";
    // Without its cause: a server that does not know AUTH repeats what it was sent.
    // oxlint-disable-next-line preserve-caught-error
    throw new Error(`the cache at \`${target.address}\` is unreachable: ${withoutSecret(why, target)}`);
  }
};

const withoutSecret = (text: string, { password }: RedisTarget): string =>
  password === undefined || password === "" ? text : text.replaceAll(password, "[secret]");

type Connection = {
  readonly link: Link;
  /** Calls back once, when the connection dies, falls silent, or is given up. */
  onceLost(handle: (reason: string) => void): void;
  lose(reason: string): void;
  /** Ends it, failing what is unanswered. */
  destroy(): void;
  /** Ends it, once what was asked is answered. */
  finish(): Promise<void>;
};

/** What a server alone and a cluster have in common. */
type Wire = {
  send(key: string, args: readonly string[]): Promise<unknown>;
  /** Settles once everything sent before has been answered. */
  settled(): Promise<unknown>;
  destroy(): void;
  close(): Promise<unknown>;
};

const connect = async (target: RedisTarget): Promise<Connection> => {
  let handle: ((reason: string) => void) | undefined;
  let lostBecause: string | undefined;
  const lose = (reason: string): void => {
    if (lostBecause !== undefined) return;
    lostBecause = reason;
    clearInterval(beats);
    wire.destroy();
    handle?.(reason);
  };
  let asked = false;
  const beats = watch({
    takeAsked: () => asked && !(asked = false),
    settled: () => wire.settled(),
    silent: () => lose("no answer"),
  });
  const { wire, ready } = target.cluster ? connectCluster(target) : connectServer(target, lose);
  const limit = setTimeout(() => wire.destroy(), connectMsMax);
  const incarnation = await ready
    .catch((error: unknown) => {
      lose("not reached");
      throw error;
    })
    .finally(() => clearTimeout(limit));
  return {
    link: {
      incarnation,
      send: (key, args) => {
        asked = true;
        return wire.send(key, args);
      },
    },
    onceLost: (callback) => {
      handle = callback;
      if (lostBecause !== undefined) callback(lostBecause);
    },
    lose,
    destroy: () => lose("closed"),
    finish: async () => {
      clearInterval(beats);
      await Promise.race([wire.close(), pause(2 * beatMs, undefined, { ref: false })]).catch(() => undefined);
      lose("closed");
    },
  };
};

/** Every beat, if anything was asked since the last, asks for one more answer; if it is not there by the next beat, none will be. */
const watch = (of: { takeAsked(): boolean; settled(): Promise<unknown>; silent(): void }): NodeJS.Timeout => {
  let waiting = false;
  const answered = (): void => {
    waiting = false;
  };
  const beat = (): void => {
    // After a pause of our own the answer may lie unread in the socket: let it be read before we judge.
    if (waiting) setImmediate(() => waiting && of.silent());
    else if (of.takeAsked()) {
      waiting = true;
      of.settled().then(answered, answered);
    }
  };
  return setInterval(beat, beatMs).unref();
};

const quick = { RESP: 2, commandOptions: { timeout: 0 } } as const;
const online = { disableOfflineQueue: true, maintNotifications: "disabled" } as const;

const connectServer = (target: RedisTarget, lose: (reason: string) => void): { wire: Wire; ready: Promise<string> } => {
  const { host, port } = target.nodes[0] ?? { host: "", port: 0 };
  const client = createClient({
    ...quick,
    ...online,
    ...credentials(target),
    database: target.database,
    socket: {
      host,
      port,
      ...(target.tls ? { tls: true } : {}),
      connectTimeout: connectMsMax,
      reconnectStrategy: false,
    },
  });
  client.on("error", (error: Error) => lose(withoutSecret(error.message, target)));
  const incarnation = async (): Promise<string> => {
    await client.connect();
    const run = /^run_id:(\w+)/m.exec(await client.info("server"))?.[1];
    if (run === undefined) throw new Error("INFO names no run_id");
    return `${run.slice(0, incarnationCharacters)}:`;
  };
  const wire: Wire = {
    send: (_, args) => client.sendCommand(args),
    settled: () => client.sendCommand(["PING"]),
    destroy: () => client.destroy(),
    close: () => client.close(),
  };
  return { wire, ready: incarnation() };
};

/** node-redis keeps a cluster's connections, finds moved slots again, and splits an MGET by slot, in one tick. */
const connectCluster = (target: RedisTarget): { wire: Wire; ready: Promise<string> } => {
  const backoff = (retries: number): number => Math.min(reconnectMsMin * 2 ** retries, reconnectMsMax);
  const cluster = createCluster({
    ...quick,
    rootNodes: target.nodes.map(({ host, port }) => ({ socket: { host, port } })),
    defaults: {
      ...online,
      ...credentials(target),
      ...quick,
      socket: { ...(target.tls ? { tls: true } : {}), connectTimeout: connectMsMax, reconnectStrategy: backoff },
    },
    topologyRefreshOnReconnectionAttemptStrategy: reconnectMsMax,
  });
  // A node that is away is no reason to lose the others: its commands fail, and are taken as misses.
  cluster.on("error", () => undefined);
  const wire: Wire = {
    send: (key, args) => cluster.sendCommand(key, false, [...args]),
    settled: () =>
      Promise.allSettled(cluster.masters.map(async (node) => (await cluster.nodeClient(node)).sendCommand(["PING"]))),
    destroy: () => cluster.destroy(),
    close: () => cluster.close(),
  };
  return { wire, ready: cluster.connect().then(() => clusterIncarnation) };
};

const credentials = ({ username, password }: RedisTarget): { username?: string; password?: string } => ({
  ...(username === undefined ? {} : { username }),
  ...(password === undefined ? {} : { password }),
});
