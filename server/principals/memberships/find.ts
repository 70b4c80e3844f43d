/** Finding a membership is finding where its operations are decided: the perimeter it is in. */
import { isFault, type Result } from "../../../core/faults.ts";
import { formatRef } from "../../../core/ids.ts";
import type { Target } from "../../operations/operation.ts";
import { noSuch } from "../../operations/targets.ts";
import type { Tx } from "../../platform/database/database.ts";
import { collection, type Membership } from "./model.ts";
import { findMembership } from "./store.ts";

export const knownMembership = async (tx: Tx, id: string): Promise<Result<Membership>> =>
  (await findMembership(tx, id)) ?? noSuch(formatRef(collection, id));

export const atMembership = async (tx: Tx, input: { readonly id: string }): Promise<Result<Target>> => {
  const membership = await knownMembership(tx, input.id);
  return isFault(membership) ? membership : { node: membership.node.id, ref: formatRef(collection, membership.id) };
};
