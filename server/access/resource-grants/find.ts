/** Finding a grant is finding the resource it is on, where its operations are decided. */
import { atNodeOf, knownIn } from "../at-node.ts";
import { collection } from "./model.ts";
import { findGrant } from "./store.ts";

export const knownGrant = knownIn(collection, findGrant);
export const atGrant = atNodeOf(collection, knownGrant);
