/** Operations on a group are decided at the perimeter it is managed at. */
import { isFault, type Result } from "../../../core/faults.ts";
import { formatRef, type GroupId } from "../../../core/ids.ts";
import type { Target } from "../../operations/operation.ts";
import { noSuch } from "../../operations/targets.ts";
import type { Tx } from "../../platform/database/database.ts";
import { collection, type Group, groupRef } from "./model.ts";
import { findGroup } from "./store.ts";

export const knownGroup = async (tx: Tx, id: string): Promise<Result<Group>> =>
  (await findGroup(tx, id as GroupId)) ?? noSuch(formatRef(collection, id));

export const atGroup = async (tx: Tx, input: { readonly id: string }): Promise<Result<Target>> => {
  const group = await knownGroup(tx, input.id);
  return isFault(group) ? group : { node: group.node.id, ref: groupRef(group.id) };
};
