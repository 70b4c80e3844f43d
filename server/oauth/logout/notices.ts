/**
 * Back-channel logout (OpenID Connect Back-Channel Logout 1.0): telling applications that a session has ended.
 *
 *     written with the session's end → leased → told (the row is gone)
 *                                 ↑       ├───→ given up: refused, too often in vain, or too late (the row is gone)
 *                                 └───────┘ not reached, or the process died: due again later
 *
 * Any number of processes work at once, on different rows; no transaction is open while an application is slow.
 */
import { type Clock, monotonicMs } from "../../platform/clock.ts";
import type { Database } from "../../platform/database/database.ts";
import type { Log } from "../../platform/log.ts";
import type { GuardedFetch } from "../../platform/outbound/fetch.ts";
import type { SigningKeys } from "../../tokens/signing-keys.ts";
import { makeLogoutToken } from "./logout-token.ts";
import { type DueNotice, leaseNotices, readListener, removeNotice } from "./store.ts";

export type LogoutNotices = {
  /** Wakes it. Cheap. */
  kick(): void;
  /** Ends the delivery under way, and begins no other. */
  close(): Promise<void>;
};

export type NoticeNeeds = {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly issuer: string;
  readonly keys: SigningKeys;
  readonly guardedFetch: GuardedFetch;
};

const batch_max = 10;
const fetch_ms_max = 5_000;
/** Before it is due again, doubled with every attempt: longer than telling may take. */
const lease_seconds = 15;
const attempts_max = 8;
const answer_octets_max = 16 * 1024;
/** A kick is gathered with others; without one it looks for what another process left behind. */
const gatherMs = 50;
const heartbeatMs = 1_000;

export const openLogoutNotices = (needs: NoticeNeeds): LogoutNotices => {
  let running: Promise<void> | undefined;
  let next: { readonly at: number; readonly timer: NodeJS.Timeout } | undefined;
  let failing = false;
  const state = { closed: false };

  const schedule = (ms: number): void => {
    if (state.closed) return;
    const at = monotonicMs() + ms;
    if (next !== undefined) {
      if (next.at <= at) return;
      clearTimeout(next.timer);
    }
    next = { at, timer: setTimeout(begin, ms).unref() };
  };

  const begin = (): void => {
    next = undefined;
    if (state.closed) return;
    // What came during a turn may have come too late for it.
    if (running !== undefined) return schedule(gatherMs);
    running = turn().finally(() => {
      running = undefined;
    });
  };

  const turn = async (): Promise<void> => {
    try {
      while (!state.closed && (await tellDue(needs)) === batch_max);
      failing = false;
    } catch (error) {
      if (!failing) needs.log.warn({ error: String(error) }, "applications cannot be told of ended sessions now");
      failing = true;
    }
    schedule(heartbeatMs);
  };

  schedule(0);
  return {
    kick: () => schedule(gatherMs),
    close: async () => {
      state.closed = true;
      clearTimeout(next?.timer);
      await running;
    },
  };
};

/** Returns how many were due. */
const tellDue = async (needs: NoticeNeeds): Promise<number> => {
  const { database, clock } = needs;
  const due = await database.hostTransaction((tx) => leaseNotices(tx, batch_max, lease_seconds, new Date(clock.now())));
  await Promise.all(
    due.map(async (notice) => {
      if ((await tell(needs, notice)) === "done") await database.hostTransaction((tx) => removeNotice(tx, notice));
    }),
  );
  return due.length;
};

const tell = async (needs: NoticeNeeds, notice: DueNotice): Promise<"done" | "later"> => {
  const { database, clock, log, guardedFetch } = needs;
  const client = await database.transaction(notice.client_tenant_id, (tx) => readListener(tx, notice.application_id));
  const uri = client?.metadata.backchannel_logout_uri;
  if (client === undefined || typeof uri !== "string") return "done";
  const ended = { user: notice.user_id, session: notice.session_id };
  const token = await makeLogoutToken(needs, client, ended, clock.now());
  const answer = await guardedFetch(uri, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ logout_token: token }).toString(),
    octetsMax: answer_octets_max,
    timeoutMs: fetch_ms_max,
  });
  if ("status" in answer && (answer.status === 200 || answer.status === 204)) return "done";
  const why = "status" in answer ? `it answered ${answer.status}` : answer.refused;
  // §2.8: 400 says that the token was understood, and the logout failed: asking again would not help.
  const givenUp =
    ("status" in answer && answer.status === 400) ||
    notice.attempts >= attempts_max ||
    notice.expire_time.getTime() <= clock.now();
  if (givenUp) log.warn({ client_id: client.client_id, why }, "an application could not be told that a session ended");
  return givenUp ? "done" : "later";
};
