/** An account at a glance. */
import { type Result } from "../../../core/faults.ts";
import { type SecondFactors, secondFactorsOf } from "../../credentials/second-factors.ts";
import type { Session } from "../../sessions/model.ts";
import type { SignIn } from "../needs.ts";
import type { Account } from "../store.ts";
import { withAccount } from "./visit.ts";

export type Overview = { readonly account: Account; readonly factors: SecondFactors };

export const readOverview = (needs: SignIn, session: Session): Promise<Result<Overview>> =>
  withAccount(needs, { session }, async (tx, account) => ({ account, factors: await secondFactorsOf(tx, session) }));
