/**
 * So many at once, so many waiting, and the rest is turned away at once: under a flood the ones that were let in are answered in time, and
 * the others know that they were not.
 */
import { fault, type Result } from "../../../core/faults.ts";

export type Gate = {
  /** Runs the work when its turn comes; `unavailable` where too many wait already, or the gate has closed. */
  pass<T>(work: () => Promise<T>): Promise<Result<T>>;
  /** Turns away who waits, and resolves when who is inside has finished. */
  close(): Promise<void>;
};

const retry_after_seconds = 1;
const turnedAway = fault("unavailable", "the server is busy; ask again in a moment", {
  retryAfterSeconds: retry_after_seconds,
});

export const openGate = ({
  parallel,
  waitingMax,
}: {
  readonly parallel: number;
  readonly waitingMax: number;
}): Gate => {
  const waiting: ((mayEnter: boolean) => void)[] = [];
  let inside = 0;
  let closed: (() => void) | undefined;

  const leave = (): void => {
    const next = waiting.shift();
    // The place is handed on: nobody who comes now overtakes who waits.
    if (next !== undefined) return next(true);
    inside -= 1;
    if (inside === 0) closed?.();
  };

  const enter = async (): Promise<boolean> => {
    if (closed !== undefined) return false;
    if (inside < parallel) {
      inside += 1;
      return true;
    }
    if (waiting.length >= waitingMax) return false;
    return new Promise((resolve) => waiting.push(resolve));
  };

  return {
    pass: async (work) => {
      if (!(await enter())) return turnedAway;
      try {
        return await work();
      } finally {
        leave();
      }
    },
    close: () =>
      new Promise((resolve) => {
        closed = resolve;
        for (const next of waiting.splice(0)) next(false);
        if (inside === 0) resolve();
      }),
  };
};
