/**
 * The few commands that rate-limiter-flexible asks of node-redis, over the connection the cache has. While that is away every command
 * fails at once, and the limiter counts in memory.
 */
import { evaluate, type Link, type Redis, type Script, script } from "../cache/redis-connection.ts";

type Evaluation = { readonly keys: readonly string[]; readonly arguments: readonly string[] };

/** Commands gathered, and sent in one flight, in order. Each is sound by itself, so they need be no transaction. */
type Multi = {
  set(key: string, value: number, options?: { readonly EX: number }): Multi;
  get(key: string): Multi;
  incrBy(key: string, by: number): Multi;
  pTTL(key: string): Multi;
  exec(): Promise<readonly unknown[]>;
};

export type LimiterClient = {
  eval(source: string, evaluation: Evaluation): Promise<unknown>;
  multi(): Multi;
  del(key: string): Promise<number>;
};

export const limiterClient = (redis: Redis): LimiterClient => {
  const scripts = new Map<string, Script>();
  const known = (source: string): Script => {
    const found = scripts.get(source) ?? script(source);
    scripts.set(source, found);
    return found;
  };
  const linked = (): Link => {
    const link = redis.link();
    if (link === undefined) throw new Error("the cache is unreachable");
    return link;
  };
  const multi = (): Multi => {
    const commands: (readonly [string, readonly string[]])[] = [];
    const gather = (key: string, ...args: readonly string[]): Multi => {
      commands.push([key, args]);
      return self;
    };
    const self: Multi = {
      set: (key, value, options) =>
        gather(key, "SET", key, String(value), ...(options === undefined ? [] : ["EX", String(options.EX)])),
      get: (key) => gather(key, "GET", key),
      incrBy: (key, by) => gather(key, "INCRBY", key, String(by)),
      pTTL: (key) => gather(key, "PTTL", key),
      exec: async () => {
        const link = linked();
        return Promise.all(commands.map(([key, args]) => link.send(key, args)));
      },
    };
    return self;
  };
  return {
    eval: async (source, { keys, arguments: args }) => evaluate(linked(), known(source), keys, args),
    multi,
    del: async (key) => Number(await linked().send(key, ["DEL", key])),
  };
};
