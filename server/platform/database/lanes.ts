/**
 * A few connections that every request shares, for statements that are short and stand alone: each goes out at once
 * behind the others, and the answers come back in order. One flight carries many, at 15 µs of CPU each where checking
 * a connection out takes 27 (PostgreSQL 18, 16 callers, two cores).
 *
 * The price is that a slow statement delays those behind it, so this is no place for one.
 */
import type { Client } from "pg";
import { asUnavailable, databaseUnavailable, isServerRefusal, isUnsent } from "./unavailable.ts";

/** Beyond this many unanswered statements on each of the connections, new ones are refused rather than queued. */
const inFlightMax = 1_000;

type Lane = { live: Client | undefined; opening: Promise<Client> | undefined; inFlight: number };

export type Lanes = {
  /** Runs one prepared statement. Throws `DatabaseUnavailable` where none of the connections could carry it. */
  statement<Row>(name: string, sql: string, values: readonly unknown[]): Promise<readonly Row[]>;
  /** Ends the connections, once what is in flight has been answered. */
  close(): Promise<void>;
};

/** `open` gives a connected client in pipeline mode, and throws `DatabaseUnavailable`. */
export const openLanes = (count: number, open: () => Promise<Client>): Lanes => {
  const lanes: readonly Lane[] = Array.from({ length: count }, () => ({
    live: undefined,
    opening: undefined,
    inFlight: 0,
  }));
  const state = { closed: false };

  const statement = async <Row>(name: string, text: string, values: readonly unknown[]): Promise<readonly Row[]> => {
    const lane = leastBusy(lanes);
    if (state.closed) throw databaseUnavailable("the database has been closed");
    if (lane.inFlight >= inFlightMax) throw databaseUnavailable("too many statements wait for the database");
    lane.inFlight += 1;
    try {
      for (let attempt = 1; ; attempt += 1) {
        const client = lane.live ?? (await enter(lane, open));
        try {
          return (await client.query({ name, text, values: values as unknown[] })).rows as Row[];
        } catch (error) {
          if (!isServerRefusal(error)) retire(lane, client);
          if (attempt > 1 || !isUnsent(error)) throw asUnavailable(error);
        }
      }
    } finally {
      lane.inFlight -= 1;
    }
  };

  const close = async (): Promise<void> => {
    state.closed = true;
    await Promise.all(lanes.map(async (lane) => (lane.live ?? (await lane.opening?.catch(() => undefined)))?.end()));
  };
  return { statement, close };
};

const leastBusy = (lanes: readonly Lane[]): Lane =>
  lanes.reduce((least, lane) => (lane.inFlight < least.inFlight ? lane : least));

/** The lane's connection, made anew where it has none; those who come meanwhile wait for the same one. */
const enter = (lane: Lane, open: () => Promise<Client>): Promise<Client> => {
  lane.opening ??= open()
    .then((client) => {
      const leave = (): void => retire(lane, client);
      client.on("error", leave).on("end", leave);
      lane.live = client;
      return client;
    })
    .finally(() => {
      lane.opening = undefined;
    });
  return lane.opening;
};

/** Sends nothing more over the connection, and ends it once what is in flight has been answered. */
const retire = (lane: Lane, client: Client): void => {
  if (lane.live !== client) return;
  lane.live = undefined;
  client.end().catch(() => undefined);
};
