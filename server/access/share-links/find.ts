/** Finding a link is finding the resource it opens, where its operations are decided. */
import { atNodeOf, knownIn } from "../at-node.ts";
import { collection } from "./model.ts";
import { findLink } from "./store.ts";

export const knownLink = knownIn(collection, findLink);
export const atLink = atNodeOf(collection, knownLink);
