/**
 * A fault that takes back what its transaction wrote before it. Faults that are returned commit, as most should (invariant 4); where a
 * single-use link was used up for nothing, nothing must have happened.
 */
import type { Fault, Result } from "../../core/faults.ts";
import type { TenantId } from "../../core/ids.ts";
import type { Database, Tx } from "../platform/database/database.ts";

const undone = Symbol("undone");

/** To be thrown. */
export const undo = (failure: Fault): Error => Object.assign(new Error(failure.detail), { [undone]: failure });

const faultOf = (thrown: unknown): Fault | undefined =>
  thrown instanceof Error ? (thrown as Error & { readonly [undone]?: Fault })[undone] : undefined;

export const transactionOrUndone = async <T>(
  database: Database,
  tenant: TenantId,
  work: (tx: Tx) => Promise<Result<T>>,
): Promise<Result<T>> => {
  try {
    return await database.transaction(tenant, work);
  } catch (thrown) {
    const failure = faultOf(thrown);
    if (failure === undefined) throw thrown;
    return failure;
  }
};
