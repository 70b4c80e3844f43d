/** Finding a grant is finding the resource it is on, where its operations are decided. */
import { isFault, type Result } from "../../../core/faults.ts";
import { formatRef, type GrantId } from "../../../core/ids.ts";
import type { Target } from "../../operations/operation.ts";
import { noSuch } from "../../operations/targets.ts";
import type { Tx } from "../../platform/database/database.ts";
import { collection, grantRef, type ResourceGrant } from "./model.ts";
import { findGrant } from "./store.ts";

export const knownGrant = async (tx: Tx, id: string): Promise<Result<ResourceGrant>> =>
  (await findGrant(tx, id as GrantId)) ?? noSuch(formatRef(collection, id));

export const atGrant = async (tx: Tx, input: { readonly id: string }): Promise<Result<Target>> => {
  const grant = await knownGrant(tx, input.id);
  return isFault(grant) ? grant : { node: grant.node.id, ref: grantRef(grant.id) };
};
