/** Finding an assignment is finding the perimeter it is anchored at, where its operations are decided. */
import { atNodeOf, knownIn } from "../at-node.ts";
import { collection } from "./model.ts";
import { findAssignment } from "./store.ts";

export const knownAssignment = knownIn(collection, findAssignment);
export const atAssignment = atNodeOf(collection, knownAssignment);
