/** Operations on a group are decided at the perimeter it is managed at. */
import { atNodeOf, knownIn } from "../at-node.ts";
import { collection } from "./model.ts";
import { findGroup } from "./store.ts";

export const knownGroup = knownIn(collection, findGroup);
export const atGroup = atNodeOf(collection, knownGroup);
