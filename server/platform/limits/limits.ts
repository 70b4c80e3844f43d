/**
 * How often something may be tried. Counts are atomic, in Redis where there is one, so that all processes count together; with the
 * embedded database, and while Redis is away, in memory. Keys are hashed: what is counted names nobody.
 */
import type { Fault } from "../../../core/faults.ts";
import type { Redis } from "../cache/redis-connection.ts";
import type { LimitName } from "./table.ts";

export type Limits = {
  /** Takes one point; the fault where none was left, with how long to wait. */
  take(name: LimitName, key: string): Promise<Fault | undefined>;
  /** The same without taking: whether the next `take` would be refused. */
  check(name: LimitName, key: string): Promise<Fault | undefined>;
  /** Forgets what was counted: the attempt was right. */
  forgive(name: LimitName, key: string): Promise<void>;
};

type Needs = {
  /** Undefined with the embedded database. */
  readonly redis: Redis | undefined;
};

export const openLimits = (_needs: Needs): Limits => {
  throw new Error("limits are not there yet");
};
