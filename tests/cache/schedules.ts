// Every order in which readers and writers can step past each other, run one at a time against a real cache, and what must hold in each.
import assert from "node:assert/strict";
import {
  type FreshCache,
  type Lease,
  type Probe,
  principalVersion,
  tenantVersion,
  type VersionKey,
} from "../../server/platform/cache/fresh-cache.ts";

/** A cache under test, and the worst that can happen to it between two steps. */
export type Subject = { readonly cache: FreshCache; disturb(tenant: string): Promise<void> };

/** How many rounds a reader has gone before the schedule begins: none, one that makes the versions, and one more that keeps an answer. */
const roundsBefore = { cold: 0, known: 1, warm: 2 } as const;

/** A case: who takes part, what the cache holds at the start, and whether it is disturbed on the way. */
export type Case = {
  readonly readers: number;
  /** How often each reader reads, asks the database, and fills. */
  readonly rounds: number;
  /** What each writer changes: versions of one tenant. */
  readonly writers: readonly ("tenant" | "principal")[];
  readonly start: keyof typeof roundsBefore;
  readonly disturbed: boolean;
};

const oneAndOne = { readers: 1, rounds: 1, writers: ["principal"] } as const;
const twoReaders = { readers: 2, rounds: 1, writers: ["principal"] } as const;
const twoWriters = { readers: 1, rounds: 1, writers: ["principal", "principal"] } as const;
const twoVersions = { readers: 1, rounds: 1, writers: ["tenant", "principal"] } as const;
const twoRounds = { readers: 1, rounds: 2, writers: ["principal"] } as const;
const all = [oneAndOne, twoReaders, twoWriters, twoVersions];

/**
 * Where versions are known a reader can store, so there everything is also disturbed; at the first step, that is a cold start. A kept
 * answer can be hit until the disturbance and no longer, so there one disturbed case will do. And from nothing, a reader that goes
 * round once makes versions and no more: it needs a second round.
 */
export const cases: readonly Case[] = [
  ...all.flatMap((actors) => [true, false].map((disturbed) => ({ ...actors, start: "known", disturbed }) as const)),
  ...all.map((actors) => ({ ...actors, start: "warm", disturbed: false }) as const),
  { ...oneAndOne, start: "warm", disturbed: true },
  { ...twoRounds, start: "cold", disturbed: false },
  { ...twoRounds, start: "cold", disturbed: true },
];

export const nameOf = ({ readers, rounds, writers, start, disturbed }: Case): string =>
  `${readers} reading${rounds > 1 ? " twice" : ""}, ${writers.join(" and ")} written, ${start}${disturbed ? ", disturbed" : ""}`;

/**
 * All orders of the steps of a case: who steps, as positions in [readers…, writers…, disturbance]. Two that do the same differ only in
 * name, so of those the first always begins.
 */
export const schedulesOf = ({ readers, rounds, writers, disturbed }: Case): readonly (readonly number[])[] => {
  const steps = [
    ...Array.from({ length: readers }, () => 3 * rounds),
    ...writers.map(() => 3),
    ...(disturbed ? [1] : []),
  ];
  const left = [...steps];
  const kinds = [...Array.from({ length: readers }, () => "reader"), ...writers];
  const hasBegun = (actor: number): boolean => left[actor] !== steps[actor];
  const mayStep = (actor: number): boolean =>
    left[actor] !== 0 && (hasBegun(actor) || kinds[actor] !== kinds[actor - 1] || hasBegun(actor - 1));
  const found: (readonly number[])[] = [];
  const walk = (taken: readonly number[]): void => {
    if (left.every((count) => count === 0)) found.push(taken);
    for (const [actor, count] of left.entries()) {
      if (!mayStep(actor)) continue;
      left[actor] = count - 1;
      walk([...taken, actor]);
      left[actor] = count;
    }
  };
  walk([]);
  return found;
};

/** The database: what is committed, and the newest commit whose writer has been answered. */
type World = { committed: number; answered: number };

/**
 * Runs one schedule on a tenant of its own, and returns the answer kept after two more rounds: that of the last commit. Throws when a
 * read hits what is older than a change already answered.
 */
export const run = async (
  of: Case,
  schedule: readonly number[],
  { cache, disturb }: Subject,
  tenant: string,
): Promise<string | undefined> => {
  const world: World = { committed: 0, answered: 0 };
  const keys = { tenant: tenantVersion(tenant), principal: principalVersion(tenant, "p") };
  const probe: Probe = { key: `{${tenant}}:answer`, versions: [keys.tenant, keys.principal] };
  const goRound = async (): Promise<void> => {
    for (const step of reader(cache, probe, world)) await step();
  };
  for (let round = 0; round < roundsBefore[of.start]; round += 1) await goRound();

  const actors = [
    ...Array.from({ length: of.readers }, () =>
      Array.from({ length: of.rounds }, () => reader(cache, probe, world)).flat(),
    ),
    ...of.writers.map((what) => writer(cache, keys[what], world)),
    [() => disturb(tenant)],
  ];
  const next = actors.map(() => 0);
  for (const actor of schedule) {
    const at = next[actor] ?? 0;
    next[actor] = at + 1;
    await actors[actor]?.[at]?.();
  }
  await goRound();
  await goRound();
  const [last] = await cache.read([probe]);
  return last?.payload;
};

type Step = () => void | Promise<void>;

const reader = (cache: FreshCache, probe: Probe, world: World): readonly Step[] => {
  const mine: { lease?: Lease | undefined; value?: number } = {};
  return [
    async () => {
      const { answered } = world;
      const [reading] = await cache.read([probe]);
      if (reading?.payload === undefined) mine.lease = reading?.lease;
      else if (Number(reading.payload) < answered)
        assert.fail(`read ${reading.payload} after ${answered} was answered`);
    },
    () => {
      mine.value = world.committed;
    },
    async () => {
      if (mine.lease !== undefined) await cache.fill(mine.lease, String(mine.value), 30_000);
    },
  ];
};

const writer = (cache: FreshCache, key: VersionKey, world: World): readonly Step[] => {
  const mine = { value: 0 };
  return [
    () => cache.fence([key]),
    () => {
      mine.value = world.committed += 1;
    },
    async () => {
      await cache.publish([key]);
      world.answered = Math.max(world.answered, mine.value);
    },
  ];
};
