/** Finding a service account is finding where its operations are decided: the perimeter it belongs to. */
import { type Fault, fault, isFault, type Result } from "../../../core/faults.ts";
import { formatRef, type PrincipalId } from "../../../core/ids.ts";
import { heldBeyond, namesOf } from "../../authority/held.ts";
import type { OperationContext, Target } from "../../operations/operation.ts";
import { noSuch } from "../../operations/targets.ts";
import type { Tx } from "../../platform/database/database.ts";
import { collection, type ServiceAccount } from "./model.ts";
import { findServiceAccount } from "./store.ts";

export const knownServiceAccount = async (tx: Tx, id: string): Promise<Result<ServiceAccount>> =>
  (await findServiceAccount(tx, id as PrincipalId)) ?? noSuch(formatRef(collection, id));

export const atServiceAccount = async (tx: Tx, input: { readonly id: string }): Promise<Result<Target>> => {
  const account = await knownServiceAccount(tx, input.id);
  return isFault(account) ? account : { node: account.node.id, ref: formatRef(collection, account.id) };
};

/**
 * Who gets an account's secret, or puts a key into it, can be the account. So it must hold all that the account holds (invariant 8);
 * the account itself always may.
 */
export const beyondTakingOver = async (
  tx: Tx,
  account: ServiceAccount,
  context: OperationContext,
): Promise<Fault | undefined> => {
  const lacking = await heldBeyond(tx, { kind: "service", id: account.id }, context);
  const [first] = lacking;
  return first === undefined
    ? undefined
    : fault("permission_denied", `the service account holds what you do not: ${namesOf(lacking)}`, {
        permission: first,
      });
};
