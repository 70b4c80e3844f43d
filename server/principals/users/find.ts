/** Finding a user is finding where its operations are decided: the perimeter that manages it. */
import { isFault, type Result } from "../../../core/faults.ts";
import { formatRef, type PrincipalId } from "../../../core/ids.ts";
import type { Target } from "../../operations/operation.ts";
import { noSuch } from "../../operations/targets.ts";
import type { Tx } from "../../platform/database/database.ts";
import { collection, type User } from "./model.ts";
import { findUser } from "./store.ts";

export const knownUser = async (tx: Tx, id: string): Promise<Result<User>> =>
  (await findUser(tx, id as PrincipalId)) ?? noSuch(formatRef(collection, id));

export const atUser = async (tx: Tx, input: { readonly id: string }): Promise<Result<Target>> => {
  const user = await knownUser(tx, input.id);
  return isFault(user) ? user : { node: user.node.id, ref: formatRef(collection, user.id) };
};
