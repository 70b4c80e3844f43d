/**
 * Group commit for grants: whoever comes while a statement is under way shares the next one. A commit is a write to disk, and costs as much
 * for one grant as for many; each caller hears back when its own is durable.
 */
import type { Database } from "../../platform/database/database.ts";
import { databaseUnavailable, isUnavailable } from "../../platform/database/unavailable.ts";
import { type GrantRequest, type GrantStatements, runGrants } from "./store.ts";

/** Grants one statement carries at most: what is locked by the first is locked until the last is done. */
const batchMax = 32;
/** Statements under way at once: the other connection stays free for those who only read. */
const flightsMax = 1;
/** How often a grant is run that stood in the way of another transaction. */
const attemptsMax = 3;
/** Grants that may wait. Past it a caller is refused at once: overload must be quick, and never grow without bound. */
const waitingMax = 5_000;

type Waiting = {
  readonly request: GrantRequest;
  readonly done: (answer: unknown) => void;
  readonly failed: (error: unknown) => void;
};

export const openGrantStatements = (database: Database): GrantStatements => {
  const waiting: Waiting[] = [];
  let flights = 0;

  const settle = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      const answers = await runGrants(
        database,
        batch.map(({ request }) => request),
      );
      for (const [at, { done }] of batch.entries()) done(answers[at]);
    } catch (error) {
      // Where the database was lost, nobody knows whether it happened: to try again would look like a reuse. Where it refused, nothing has
      // happened to any of them, though only one may be at fault: each is run by itself.
      if (isUnavailable(error)) for (const { failed } of batch) failed(error);
      else await Promise.all(batch.map((one) => alone(one)));
    }
  };

  const alone = async ({ request, done, failed }: Waiting): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const [answer] = await runGrants(database, [request]);
        return done(answer);
      } catch (error) {
        if (attempt === attemptsMax || isUnavailable(error)) return failed(error);
      }
    }
  };

  const next = (): void => {
    while (flights < flightsMax && waiting.length > 0) {
      flights += 1;
      // In the order of what they lock, so that two processes wait for each other's statements one way only.
      const batch = waiting.splice(0, batchMax).toSorted((one, other) => (lockOf(one) < lockOf(other) ? -1 : 1));
      void settle(batch).finally(() => {
        flights -= 1;
        next();
      });
    }
  };

  return {
    run: (request) =>
      new Promise((done, failed) => {
        if (waiting.length >= waitingMax) return failed(databaseUnavailable("too many grants wait for the database"));
        waiting.push({ request, done, failed });
        if (flights < flightsMax) next();
      }),
  };
};

/** The hash of the code or the refresh token. */
const lockOf = ({ request }: Waiting): string => String(request[2]);
