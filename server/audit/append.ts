/**
 * Group commit for audit entries that stand alone, such as tokens issued: whoever asks while a write is under way shares the next
 * one. Each caller hears back only when its own entry is durable, so nothing is acknowledged that a crash could lose.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Database } from "../platform/database/database.ts";
import type { AuditEntry } from "./model.ts";
import { appendMany } from "./store.ts";

/** Entries one statement carries at most. */
const batchMax = 256;
/** Under load, a batch smaller than this waits a moment for more: a statement costs us more than the entries it carries. */
const gatherBelow = 16;
const gatherMs = 1;
/** Entries that may wait. Past it a caller is refused at once: overload must be quick, and never grow without bound. */
const waitingMax = 20_000;

export type AuditAppender = { append(entry: AuditEntry): Promise<void> };

type Waiting = { readonly entry: AuditEntry; readonly done: () => void; readonly failed: (error: unknown) => void };

export const openAuditAppender = (database: Database): AuditAppender => {
  let waiting: Waiting[] = [];
  let writing = false;

  const write = async (): Promise<void> => {
    writing = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, batchMax);
      waiting = waiting.slice(batchMax);
      try {
        await appendMany(
          database,
          batch.map((one) => one.entry),
        );
        for (const one of batch) one.done();
      } catch (error) {
        for (const one of batch) one.failed(error);
      }
      if (waiting.length > 0 && waiting.length < gatherBelow) await pause(gatherMs);
    }
    writing = false;
  };

  return {
    append: (entry) =>
      new Promise((done, failed) => {
        if (waiting.length >= waitingMax) return failed(new Error("the audit log is too far behind to accept more"));
        waiting.push({ entry, done, failed });
        // The rest of this tick's callers join before the first write begins.
        if (!writing) {
          writing = true;
          setImmediate(() => void write());
        }
      }),
  };
};
