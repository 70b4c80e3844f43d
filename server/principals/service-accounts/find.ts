/** Finding a service account is finding where its operations are decided: the perimeter it belongs to. */
import { isFault, type Result } from "../../../core/faults.ts";
import { formatRef, type PrincipalId } from "../../../core/ids.ts";
import type { Target } from "../../operations/operation.ts";
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
