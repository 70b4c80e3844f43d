/**
 * Takes committed events out of the outbox: gives them their positions, and delivers them to a stream, in order and at least once.
 *
 *     emitted → committed → placed (has a position, is in /v1/events) → delivered (is in the stream)
 *
 * One relay works at a time, in whichever process comes first: each step is a transaction under one advisory lock, so that the lock goes
 * where the database goes, and a process that dies leaves nothing behind. What the stream has, the stream says itself; the position
 * in `relay_state` only tells whether it has to be asked. So a crash between delivering and marking delivers nothing twice, and a stream
 * that was lost, or restored from an old snapshot, is written again from where it ends.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { type Clock, monotonicMs } from "../platform/clock.ts";
import type { Database, Tx } from "../platform/database/database.ts";
import type { Log } from "../platform/log.ts";
import { type CloudEvent, cloudEvent } from "./model.ts";
import {
  becomeRelay,
  deliveredPosition,
  isAnyUnplaced,
  markDelivered,
  newestPosition,
  place,
  placedAfter,
} from "./store.ts";

/** Where events go. */
export type EventStream = {
  readonly name: string;
  /** What it keeps, about; older events are not worth writing again. */
  readonly entriesKept: number;
  /** In order of position. Skips what it has; where one cannot be taken, takes none after it, and throws. */
  append(events: readonly CloudEvent[]): Promise<void>;
  /** The position of its newest event; 0 where it has none. */
  last(): Promise<number>;
};

export type Relay = {
  /** Wakes it: something has been committed. Cheap, and meant to be called often. */
  kick(): void;
  /** Resolves when everything committed before the call has been placed and delivered, however long that takes; or at `close`. */
  idle(): Promise<void>;
  /** Ends the turn under way, and takes no other. */
  close(): Promise<void>;
};

export type RelayNeeds = {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly issuer: string;
  readonly stream?: EventStream;
};

const place_batch = 500;
const deliver_batch = 200;
/** Commits within this time of each other are one turn. */
const gatherMs = 20;
/** Where events keep coming, turns begin this far apart: ten a second carry what thirty would, for a third of the statements. */
const paceMs = 100;
/** Somebody else's events, or a kick that was lost with its process. */
const heartbeatMs = 1_000;
/** What cannot be done now is tried again this soon, then after twice that, and so on. */
const retryMsMin = 20;
const retryMsMax = 2_000;

/** `waiting`: another process is the relay, or a transaction still under way may yet put an event before one that has ended. */
type Turn = "done" | "more" | "waiting";

export const openRelay = (needs: RelayNeeds): Relay => {
  const { clock, log } = needs;
  /** Our own commits wake everybody but us. */
  const ours = new AsyncLocalStorage<true>();
  let waiters: (() => void)[] = [];
  let running: Promise<void> | undefined;
  let next: { readonly at: number; readonly timer: NodeJS.Timeout } | undefined;
  let begunAt = Number.NEGATIVE_INFINITY;
  let failingSince: number | undefined;
  let attempts = 0;
  let closed = false;

  const schedule = (ms: number): void => {
    if (closed) return;
    const at = monotonicMs() + ms;
    if (next !== undefined) {
      if (next.at <= at) return;
      clearTimeout(next.timer);
    }
    next = { at, timer: setTimeout(begin, ms).unref() };
  };

  const begin = (): void => {
    next = undefined;
    // What came during a turn may have come too late for it.
    if (running !== undefined) return schedule(gatherMs);
    if (closed) return;
    begunAt = monotonicMs();
    running = ours.run(true, turn).finally(() => {
      running = undefined;
    });
  };

  const turn = async (): Promise<void> => {
    const served = waiters;
    waiters = [];
    const result = await work();
    if (result === "done") {
      attempts = 0;
      for (const resolve of served) resolve();
      return schedule(waiters.length > 0 ? 0 : heartbeatMs);
    }
    waiters = [...served, ...waiters];
    attempts = result === "more" ? 0 : attempts + 1;
    schedule(result === "more" ? 0 : Math.min(retryMsMin * 2 ** (attempts - 1), retryMsMax));
  };

  const work = async (): Promise<Turn | "failed"> => {
    try {
      const result = await relayOnce(needs);
      if (failingSince !== undefined)
        log.info({ after_seconds: (clock.now() - failingSince) / 1000 }, "events are relayed again");
      failingSince = undefined;
      return result;
    } catch (error) {
      if (failingSince === undefined)
        log.warn({ error: error instanceof Error ? error.message : String(error) }, "events cannot be relayed now");
      failingSince ??= clock.now();
      return "failed";
    }
  };

  schedule(0);
  return {
    kick: () => {
      if (ours.getStore() !== true) schedule(Math.max(gatherMs, begunAt + paceMs - monotonicMs()));
    },
    idle: () =>
      new Promise((resolve) => {
        if (closed) return resolve();
        waiters.push(resolve);
        schedule(0);
      }),
    close: async () => {
      closed = true;
      clearTimeout(next?.timer);
      await running;
      for (const resolve of waiters.splice(0)) resolve();
    },
  };
};

/** Places what can be placed, and delivers what has not been. */
const relayOnce = async (needs: RelayNeeds): Promise<Turn> => {
  const placing = await asRelay(needs, async (tx) => {
    if ((await place(tx, place_batch)) === place_batch) return "more";
    return (await isAnyUnplaced(tx)) ? "waiting" : "done";
  });
  // Only what was placed is delivered, so a full stream or an absent one never holds up /v1/events.
  const delivering = needs.stream === undefined ? "done" : await deliver(needs, needs.stream);
  return placing === "done" ? delivering : (placing ?? "waiting");
};

/** Runs a step in a transaction above all tenants; undefined where another process is the relay now. */
const asRelay = <T>(needs: RelayNeeds, step: (tx: Tx) => Promise<T>): Promise<T | undefined> =>
  needs.database.hostTransaction(async (tx) => ((await becomeRelay(tx)) ? step(tx) : undefined));

const deliver = async (needs: RelayNeeds, stream: EventStream): Promise<Turn> => {
  for (let from: number | undefined; ; ) {
    const batch = await asRelay(needs, (tx) => deliverBatch(tx, needs, stream, from));
    if (batch === undefined) return "waiting";
    if (batch.events < deliver_batch) return "done";
    from = batch.upTo;
  }
};

type Batch = { readonly events: number; readonly upTo: number };

const deliverBatch = async (
  tx: Tx,
  { issuer }: RelayNeeds,
  stream: EventStream,
  after: number | undefined,
): Promise<Batch> => {
  const newest = await newestPosition(tx);
  if (after === undefined && newest <= (await deliveredPosition(tx, stream.name))) return { events: 0, upTo: newest };
  const from = after ?? (await beginningOf(stream, newest));
  const events = await placedAfter(tx, from, deliver_batch);
  if (events.length > 0) await stream.append(events.map((event) => cloudEvent(issuer, event)));
  const upTo = events.at(-1)?.position ?? newest;
  await markDelivered(tx, stream.name, upTo);
  return { events: events.length, upTo };
};

/** Where the stream goes on. */
const beginningOf = async (stream: EventStream, newest: number): Promise<number> => {
  const last = await stream.last();
  if (last > newest)
    throw new Error(
      `the stream \`${stream.name}\` is ahead of the database: it was written from another one, or before this one was restored; delete the stream, and it is written anew`,
    );
  return Math.max(last, newest - stream.entriesKept);
};
