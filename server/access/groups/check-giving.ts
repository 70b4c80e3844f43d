/**
 * Nobody gives more than they hold (invariant 8): who is put into a group gets all that the group has, and all that the groups have that it
 * is in. So whoever puts them there must hold it where it was given, and below where it reaches below. A condition may hold one day and
 * a perimeter that sleeps may wake up, so neither makes it less; what a role gives within grants counts in full.
 */
import { type Fault, fault } from "../../../core/faults.ts";
import { type GroupId, rootNode } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import { union } from "../../../core/model/permissions.ts";
import { factsOf, grantFact } from "../../authority/facts.ts";
import { beyondHoldings, type Holding, namesOf } from "../../authority/held.ts";
import { noFacts } from "../../authority/store.ts";
import type { OperationContext } from "../../operations/operation.ts";
import type { Tx } from "../../platform/database/database.ts";
import { assignedTo, grantedTo } from "./members-store.ts";

export const checkGiving = async (
  tx: Tx,
  groups: readonly GroupId[],
  context: OperationContext,
): Promise<Fault | undefined> => {
  const lacking = await beyondHoldings(tx, await holdingsOf(tx, groups, context), context);
  const [first] = lacking;
  if (first === undefined) return undefined;
  const detail = `the group, or one that it is in, has ${namesOf(lacking)}, which you, or the token you present, do not hold where it was given`;
  return fault("permission_denied", detail, { permission: first });
};

/** All that the groups have and that has not expired. */
export const holdingsOf = async (
  tx: Tx,
  groups: readonly GroupId[],
  { model, caller, now }: Pick<OperationContext, "model" | "caller" | "now">,
): Promise<readonly Holding[]> => {
  // Whose facts they are read as makes no difference to what they give.
  const key = { principal: caller.principal, bound: tx.tenant, tenant: tx.tenant, node: rootNode(tx.tenant) };
  const stored = { ...noFacts, path: [], assignments: await assignedTo(tx, groups) };
  const assigned = (factsOf(model, key, stored)?.assignments ?? []).filter(isLive(now)).map((one) => ({
    node: one.anchor === "host" ? rootNode(tx.tenant) : one.anchor,
    reach: one.propagation,
    gives: union(one.permissions, one.withinGrants),
  }));
  const granted = await grantsOf(tx, groups, model);
  return [
    ...assigned,
    ...granted
      .filter(isLive(now))
      .map((one) => ({ node: one.resource, reach: "subtree" as const, gives: one.permissions })),
  ];
};

const grantsOf = async (tx: Tx, groups: readonly GroupId[], model: Model) =>
  (await grantedTo(tx, groups)).map(({ type, stored }) => grantFact(model, type, stored));

const isLive =
  (now: number) =>
  ({ expiresAt }: { readonly expiresAt: number | null }): boolean =>
    expiresAt === null || expiresAt > now;
