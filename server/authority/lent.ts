/**
 * What a share link lends to whoever has it: what its creator holds at the resource and everywhere below it, within the link's level, while
 * they may share there. It is asked of the creator's facts every time: a link has no authority of its own.
 */
import type { Facts } from "../../core/decide/types.ts";
import type { Level, Model, PermissionSet } from "../../core/model/model.ts";
import { contains, emptySet, intersection } from "../../core/model/permissions.ts";
import { heldBelow } from "./held.ts";

/** So many wrong passwords in a row end a link, until its creator renews it. */
export const wrong_passwords_max = 10;

const sharing = "share-links:create";

/**
 * What a link of this level can lend at all. Whoever opens it is nobody in particular: what needs a human of record or somebody's approval
 * is not to be had that way.
 */
export const lendable = (model: Model, level: Level): PermissionSet => {
  const kept = [...level.permissions];
  for (const permission of model.vocabulary.values())
    if (permission.governance !== undefined && contains(kept, permission))
      kept[permission.word] = (kept[permission.word] ?? 0) & ~permission.mask;
  return kept;
};

/** What the creator's link lends now: nothing, where they may not share there any more. `held` is what they hold there and below. */
export const lentOf = (model: Model, level: Level, held: PermissionSet): PermissionSet => {
  const share = model.vocabulary.get(sharing);
  return share !== undefined && contains(held, share) ? intersection(held, lendable(model, level)) : emptySet;
};

/** The same, from the creator's facts at the resource. */
export const lentBy = (model: Model, level: Level, facts: Facts, now: number): PermissionSet =>
  lentOf(model, level, heldBelow(model, facts, now));
