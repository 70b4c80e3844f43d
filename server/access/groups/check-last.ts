/**
 * The last one in a tenant who can assign roles stays, also where that is through a group: or nobody inside could ever give authority again.
 * Who stands above the tenant can always appoint another, and is not asked.
 */
import { type Fault, fault } from "../../../core/faults.ts";
import { type GroupId, rootNode } from "../../../core/ids.ts";
import type { Beneficiary } from "../../authority/beneficiaries.ts";
import type { Principal } from "../../authority/caller.ts";
import { readManyFactsIn } from "../../authority/store.ts";
import type { OperationContext } from "../../operations/operation.ts";
import type { Tx } from "../../platform/database/database.ts";
import { assigning, givesAssigning } from "../role-assignments/last-to-assign.ts";
import { groupsAbove, holdAssignedAtRoot, leftIn } from "./members-store.ts";

/** A fault where without these members of the group, or without the group, nobody active could assign roles at the root any more. */
export const checkLast = async (
  tx: Tx,
  group: GroupId,
  members: readonly Beneficiary[] | "all",
  { model, caller, now }: OperationContext,
): Promise<Fault | undefined> => {
  if (caller.tenant !== tx.tenant) return undefined;
  const giving = (await holdAssignedAtRoot(tx)).filter(({ stored }) =>
    givesAssigning(tx, model, stored, caller.principal, now),
  );
  const whose = giving.map((one) => one.whose);
  const direct = whose.filter(isPrincipal);
  const through = whose.filter((one) => !isPrincipal(one)).map((one) => one.id as GroupId);
  const above = await groupsAbove(tx, group);
  if (!through.some((one) => above.has(one))) return undefined;

  const remaining = members === "all" ? through.filter((one) => one !== group) : through;
  const left = await leftIn(tx, remaining, { group, members });
  if (await anyActive(tx, [...direct, ...left])) return undefined;
  const stays = new Set(left.map(({ id }) => id));
  const leaving = (await leftIn(tx, through, undefined)).filter(({ id }) => !stays.has(id));
  return (await anyActive(tx, leaving))
    ? fault(
        "illegal_transition",
        `nobody active would be left whose role at the root gives \`${assigning}\`; assign such a role to somebody else first`,
      )
    : undefined;
};

const isPrincipal = (one: Beneficiary): one is Principal => one.kind !== "group";

const askedAtOnce = 100;

const anyActive = async (tx: Tx, principals: readonly Principal[]): Promise<boolean> => {
  for (let first = 0; first < principals.length; first += askedAtOnce) {
    const some = principals.slice(first, first + askedAtOnce);
    const keys = some.map((principal) => ({
      principal,
      bound: tx.tenant,
      tenant: tx.tenant,
      node: rootNode(tx.tenant),
    }));
    if ((await readManyFactsIn(tx, keys)).some(({ state }) => state === "active")) return true;
  }
  return false;
};
