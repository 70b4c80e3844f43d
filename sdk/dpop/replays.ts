/** Which DPoP proofs have been used (RFC 9449 §11.1). A proof is good for one request, for as long as its time allows. */
import type { Platform } from "../platform.ts";

/**
 * A port: with several processes, hand in one that all of them share, or a proof is good once in each of them. On a Redis or Valkey it is one SET:
 *
 *     spend: async (key, expiresAt) => (await redis.set(`dpop:${key}`, "1", { NX: true, PXAT: expiresAt })) === "OK",
 */
export type ReplayStore = {
  /**
   * Takes a key for itself until `expiresAt` (whole milliseconds since the epoch), in one step: `true`, and nothing else, for the first to come.
   * A rejection is answered with 503.
   */
  spend(key: string, expiresAt: number): boolean | Promise<boolean>;
};

const remembered_max = 100_000;

/** In this process alone. When it is full of proofs that are still good, new ones are refused: forgetting would let an old one in again. */
export const memoryReplays = ({ now }: Pick<Platform, "now">, max = remembered_max): ReplayStore => {
  const spent = new Map<string, number>();
  return {
    spend: (key, expiresAt) => {
      const taken = spent.get(key);
      if (taken !== undefined && taken > now()) return false;
      if (spent.size >= max) for (const [old, until] of spent) if (until <= now()) spent.delete(old);
      if (spent.size >= max) throw new Error("too many proofs are remembered");
      spent.set(key, expiresAt);
      return true;
    },
  };
};
