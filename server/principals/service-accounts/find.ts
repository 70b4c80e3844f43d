/** Finding a service account is finding where its operations are decided: the perimeter it belongs to. */
import { type Fault, fault, isFault, type Result } from "../../../core/faults.ts";
import { formatRef, type PrincipalId } from "../../../core/ids.ts";
import { heldBeyond, lackingIn, namesOf } from "../../authority/held.ts";
import type { OperationContext, Target } from "../../operations/operation.ts";
import { permissionsOf } from "../../operations/patterns.ts";
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
 * Who gets an account's secret, puts a key into it, or widens what its tokens may carry, can be the account, or gives it more than it had.
 * So it must hold all that the account holds (invariant 8). The account itself does; but a token of it passes on no more than it carries,
 * or whoever has a narrow one could make it a wide one. `scopes` are those the account's tokens may carry from then on.
 */
export const beyondTakingOver = async (
  tx: Tx,
  account: ServiceAccount,
  context: OperationContext,
  scopes: readonly string[] = account.scopes,
): Promise<Fault | undefined> => {
  const { model, caller } = context;
  const itself = caller.principal.id === account.id;
  const lacking = itself
    ? lackingIn(model, permissionsOf(model, tx.tenant, scopes), caller.scopes ?? permissionsOf(model, tx.tenant, ["*"]))
    : await heldBeyond(tx, { kind: "service", id: account.id }, context);
  const [first] = lacking;
  return first === undefined
    ? undefined
    : fault(
        "permission_denied",
        `the service account holds what you, or the token you present, do not: ${namesOf(lacking)}`,
        {
          permission: first,
        },
      );
};
