/** What every use case of the account pages begins with: the human of the session, standing, and how fresh the proof is. */
import { type Fault, fault, type Result } from "../../../core/faults.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { Session } from "../../sessions/model.ts";
import { holdSession } from "../../sessions/store.ts";
import { sessionGone } from "../give-second-factor.ts";
import type { SignIn, Visit } from "../needs.ts";
import { record } from "../record.ts";
import { type Account, holdAccount } from "../store.ts";

/** Whoever changes how an account is entered has proven who they are no longer ago than this. */
export const recent_seconds_max = 600;

export const isRecent = ({ platform }: Pick<SignIn, "platform">, { authTime }: Pick<Session, "authTime">): boolean =>
  platform.clock.now() - authTime <= recent_seconds_max * 1000;

/** Nothing was changed: sign in again first. The pages lead there and back. */
export const notRecent = (): Fault => fault("unauthenticated", "confirm that it is you, and try again");

/** What a use case is handed: the session of the browser, and the request that came with it. */
export type Asking = { readonly session: Session; readonly request: Visit };

/** Runs in a transaction of the home tenant, with the account held as it is until the end. */
export const withAccount = <T>(
  needs: SignIn,
  { session }: Pick<Asking, "session">,
  work: (tx: Tx, account: Account, now: number) => Promise<Result<T>>,
): Promise<Result<T>> =>
  needs.platform.database.transaction(session.home, async (tx): Promise<Result<T>> => {
    const account = await holdAccount(tx, session.user);
    return account === undefined || !account.stands ? sessionGone() : work(tx, account, needs.platform.clock.now());
  });

/** The same, for what changes how the account is entered: only where the proof is fresh. */
export const withRecent = async <T>(
  needs: SignIn,
  asking: Pick<Asking, "session">,
  work: (tx: Tx, account: Account, now: number) => Promise<Result<T>>,
): Promise<Result<T>> =>
  isRecent(needs, asking.session)
    ? withAccount(needs, asking, async (tx, account, now) =>
        // It lived when the request came. Whoever has ended it since has taken the account back.
        (await holdSession(tx, asking.session)) ? work(tx, account, now) : sessionGone(),
      )
    : notRecent();

/** What was done, in the human's own log. */
export const note = (
  tx: Tx,
  { session, request }: Asking,
  action: string,
  now: number,
  detail: Readonly<Record<string, unknown>> = {},
): Promise<void> =>
  record(tx, {
    action: `account.${action}`,
    outcome: "done",
    human: session,
    session: session.id,
    request,
    now,
    detail,
  });
