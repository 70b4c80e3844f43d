/** What has happened to a human's account, as the log of their home has it. */
import type { Result } from "../../../core/faults.ts";
import { principalRef } from "../../../core/ids.ts";
import type { Session } from "../../sessions/model.ts";
import type { SignIn } from "../needs.ts";
import { type LogEntry, ownEntries } from "./store.ts";
import { withAccount } from "./visit.ts";

/** So far back it is shown. */
export const log_days = 90;
export const log_page_entries = 50;
const dayMs = 24 * 3_600_000;

export const ownLog = (
  needs: SignIn,
  session: Session,
  before: number | undefined,
): Promise<Result<readonly LogEntry[]>> =>
  withAccount(needs, { session }, (tx, { user }, now) => {
    // The entry of this very moment is in it.
    const until = new Date(before ?? now + 1_000);
    return ownEntries(tx, principalRef("human", user), until, new Date(now - log_days * dayMs), log_page_entries);
  });
