/** A resource and one of its type's levels, as a request names them: what a grant gives, and what a link lends. */
import { type Fault, fault, isFault, type Result } from "../../core/faults.ts";
import type { Level, Model, PermissionSet } from "../../core/model/model.ts";
import { lackingIn, namesOf } from "../authority/held.ts";
import { findNodeByRef } from "../operations/targets.ts";
import type { Tx } from "../platform/database/database.ts";
import type { TreeNode } from "../tree/model.ts";

export type Shared = { readonly node: TreeNode; readonly level: Level };

/** The resource must be registered, and its type must have the level in the model in force. */
export const sharedAt = async (tx: Tx, model: Model, parent: string, name: string): Promise<Result<Shared>> => {
  const node = await findNodeByRef(tx, model, parent);
  if (isFault(node)) return node;
  const levels = model.resources.get(node.type)?.levels;
  if (levels === undefined)
    return fault("not_admissible", `\`${parent}\` is no resource of the model; assign a role there`);
  const level = levels.get(name);
  if (level !== undefined) return { node, level };
  const known = [...levels.keys()];
  return fault(
    "not_admissible",
    known.length === 0
      ? `${node.type} have no levels in the model`
      : `${node.type} have no level \`${name}\`; it may be ${known.join(", ")}`,
  );
};

/** Nobody gives more than they hold (invariant 8): `held` is what the caller may do at the resource and everywhere below it. */
export const levelBeyond = (model: Model, level: Level, held: PermissionSet): Fault | undefined => {
  const missing = lackingIn(model, level.permissions, held);
  const [first] = missing;
  if (first === undefined) return undefined;
  return fault(
    "permission_denied",
    `level \`${level.name}\` gives ${namesOf(missing)}, which you or the token you present do not have there`,
    { permission: first },
  );
};
