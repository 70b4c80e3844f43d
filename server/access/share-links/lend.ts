/** Who lends what: checked when a link is made or renewed, and again every time it is opened. */
import { type Fault, fault } from "../../../core/faults.ts";
import type { NodeId, TenantId } from "../../../core/ids.ts";
import type { Level, Model, PermissionSet } from "../../../core/model/model.ts";
import type { Principal } from "../../authority/caller.ts";
import { heldThroughout, lackingIn, namesOf } from "../../authority/held.ts";
import { lendable, lentOf } from "../../authority/lent.ts";
import type { OperationContext } from "../../operations/operation.ts";
import type { Tx } from "../../platform/database/database.ts";
import { levelBeyond } from "../levels.ts";

/** A fault where the caller cannot lend this level at the node. */
export const cannotLend = async (
  tx: Tx,
  node: NodeId,
  level: Level,
  context: OperationContext,
): Promise<Fault | undefined> => {
  const { model, caller } = context;
  if (caller.tenant !== tx.tenant)
    return fault(
      "not_admissible",
      "a link lends what its creator holds in the tenant, and you are none of its principals",
    );
  const governed = lackingIn(model, level.permissions, lendable(model, level));
  if (governed.length > 0)
    return fault(
      "not_admissible",
      `level \`${level.name}\` gives ${namesOf(governed)}, which needs a human of record or an approval, and cannot be lent by a link`,
    );
  return levelBeyond(model, level, await heldThroughout(tx, node, context));
};

/** What the creator's link lends at the node now: nothing, where they may not share there any more. */
export const lentNow = async (
  tx: Tx,
  model: Model,
  { node, level, creator }: { readonly node: NodeId; readonly level: Level; readonly creator: Principal },
  now: number,
): Promise<PermissionSet> => {
  const caller: { principal: Principal; tenant: TenantId; scopes: undefined } = {
    principal: creator,
    tenant: tx.tenant,
    scopes: undefined,
  };
  return lentOf(model, level, await heldThroughout(tx, node, { model, caller, now }));
};
