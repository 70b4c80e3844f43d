/**
 * One statement for many who ask at the same time: whoever comes while as many are under way as may be shares the next one, and whoever
 * comes to an idle database is sent at once. Being sent, planned and answered costs more than much of what is asked.
 */
import { databaseUnavailable, isUnavailable } from "./unavailable.ts";

export type Batching<Request, Answer> = {
  /** What waits, in the plural: `grants`. */
  readonly what: string;
  /** Runs one statement for all of these, and answers in their order. */
  readonly run: (requests: readonly Request[]) => Promise<readonly Answer[]>;
  /** Requests one statement carries at most. */
  readonly batchMax: number;
  /** Statements under way at once. */
  readonly flightsMax: number;
  /** How often a request is run by itself, once the database has refused a statement it was in. */
  readonly attemptsMax: number;
  /** Requests that may wait. Past it a caller is refused at once: overload must be quick, and never grow without bound. */
  readonly waitingMax: number;
  /** What a statement locks first by each request: two processes then wait for each other's statements one way only. */
  readonly lockOf?: (request: Request) => string;
};

/** Answers what the statement answers for this request; throws what the statement throws for it alone, or `DatabaseUnavailable`. */
export type Batches<Request, Answer> = (request: Request) => Promise<Answer>;

type Waiting<Request, Answer> = {
  readonly request: Request;
  readonly done: (answer: Answer) => void;
  readonly failed: (error: unknown) => void;
};

export const openBatches = <Request, Answer>(batching: Batching<Request, Answer>): Batches<Request, Answer> => {
  const { what, run, batchMax, flightsMax, attemptsMax, waitingMax, lockOf } = batching;
  const waiting: Waiting<Request, Answer>[] = [];
  let flights = 0;

  const fly = async (batch: readonly Waiting<Request, Answer>[]): Promise<void> => {
    const landed = await run(batch.map(({ request }) => request)).then(
      (answers) => ({ answers }),
      (error: unknown) => ({ error }),
    );
    // Where the database refused, nothing has happened to any of them, though only one may be at fault: each is run by itself. Where it was
    // lost, nobody knows whether it happened: to try again would look like a reuse.
    const refused = "error" in landed && !isUnavailable(landed.error);
    if (refused) await Promise.all(batch.map(alone));
    flights -= 1;
    // The next statement first, so that the database is at work while we are with what it has answered.
    next();
    if ("answers" in landed) for (const [at, { done }] of batch.entries()) done(landed.answers[at] as Answer);
    else if (!refused) for (const { failed } of batch) failed(landed.error);
  };

  const alone = async ({ request, done, failed }: Waiting<Request, Answer>): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const [answer] = await run([request]);
        return done(answer as Answer);
      } catch (error) {
        if (attempt >= attemptsMax || isUnavailable(error)) return failed(error);
      }
    }
  };

  const next = (): void => {
    while (flights < flightsMax && waiting.length > 0) {
      flights += 1;
      const batch = waiting.splice(0, batchMax);
      if (lockOf !== undefined) batch.sort((one, other) => (lockOf(one.request) < lockOf(other.request) ? -1 : 1));
      void fly(batch);
    }
  };

  return (request) =>
    new Promise((done, failed) => {
      if (waiting.length >= waitingMax) return failed(databaseUnavailable(`too many ${what} wait for the database`));
      waiting.push({ request, done, failed });
      if (flights < flightsMax) next();
    });
};
