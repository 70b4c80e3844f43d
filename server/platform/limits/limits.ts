/**
 * How often something may be tried. A point is taken before the attempt, atomically, so attempts in parallel are no way past; it is given
 * back, or all is forgiven, where the attempt was right.
 *
 * Counts are in Redis, so that all processes count together; with the embedded database, and while Redis is away, each process counts by
 * itself. Keys are hashed under a key of the deployment: what is counted names nobody.
 */
import { createHmac } from "node:crypto";
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import { type Fault, fault } from "../../../core/faults.ts";
import type { Redis } from "../cache/redis-connection.ts";
import { addressClass } from "../web/address.ts";
import { limiterClient } from "./redis-client.ts";
import { type Limit, type LimitName, limitTable } from "./table.ts";

export type Limits = {
  /** Takes one point; the fault where none was left, with how long to wait. */
  take(name: LimitName, key: string): Promise<Fault | undefined>;
  /** The same without taking: whether the next `take` would be refused. */
  check(name: LimitName, key: string): Promise<Fault | undefined>;
  /** Gives one point back: the attempt was right, or was never made. */
  giveBack(name: LimitName, key: string): Promise<void>;
  /** Forgets what was counted, and that it was blocked. */
  forgive(name: LimitName, key: string): Promise<void>;
};

type Needs = {
  /** Undefined with the embedded database. */
  readonly redis: Redis | undefined;
  /** `derivedKey(secretKey, "limits")`. */
  readonly key: Buffer;
};

/** How long a block makes the next one longer. */
const blocksRememberedSeconds = 24 * 3600;

export const openLimits = ({ redis, key: hashKey }: Needs): Limits => {
  const client = redis === undefined ? undefined : limiterClient(redis);
  const limiter = (prefix: string, points: number, seconds: number): RateLimiterAbstract => {
    const options = { keyPrefix: `limit:${prefix}`, points, duration: seconds };
    const memory = new RateLimiterMemory(options);
    if (client === undefined) return memory;
    return new RateLimiterRedis({ ...options, storeClient: client, useRedisPackage: true, insuranceLimiter: memory });
  };
  const counters = Object.fromEntries(
    Object.entries(limitTable).map(([name, limit]) => [
      name,
      {
        limit,
        attempts: limiter(name, limit.points, limit.seconds),
        blocks: limiter(`${name}.blocks`, Number.MAX_SAFE_INTEGER, blocksRememberedSeconds),
      },
    ]),
  ) as Record<LimitName, { limit: Limit; attempts: RateLimiterAbstract; blocks: RateLimiterAbstract }>;
  // Whoever has one address of an IPv6 network has 2⁶⁴ of them: what is counted by address is counted by network, whoever asks.
  const hashed = (name: LimitName, key: string): string =>
    createHmac("sha256", hashKey)
      .update(name.endsWith(".address") ? addressClass(key) : key)
      .digest("base64url");

  return {
    take: async (name, key) => {
      const { limit, attempts, blocks } = counters[name];
      const of = hashed(name, key);
      try {
        await attempts.consume(of);
        return undefined;
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused;
        const isFirst = refused.consumedPoints === limit.points + 1;
        if (limit.block === undefined || !isFirst) return tooMany(refused.msBeforeNext);
        const { consumedPoints: nth } = await blocks.penalty(of);
        const seconds = Math.min(limit.block.seconds * 2 ** (nth - 1), limit.block.secondsMax);
        await attempts.block(of, seconds);
        return tooMany(seconds * 1000);
      }
    },
    check: async (name, key) => {
      const { limit, attempts } = counters[name];
      const counted = await attempts.get(hashed(name, key));
      return counted !== null && counted.consumedPoints >= limit.points ? tooMany(counted.msBeforeNext) : undefined;
    },
    giveBack: async (name, key) => {
      await counters[name].attempts.reward(hashed(name, key));
    },
    forgive: async (name, key) => {
      const { attempts, blocks } = counters[name];
      await Promise.all([attempts.delete(hashed(name, key)), blocks.delete(hashed(name, key))]);
    },
  };
};

const tooMany = (ms: number): Fault =>
  fault("rate_limited", "too many attempts; wait before the next one", {
    retryAfterSeconds: Math.max(1, Math.ceil(ms / 1000)),
  });
