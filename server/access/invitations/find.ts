/** Finding an invitation is finding where its operations are decided: the perimeter it leads to. */
import { atNodeOf, knownIn } from "../at-node.ts";
import { collection } from "./model.ts";
import { findInvitationById } from "./store.ts";

export const knownInvitation = knownIn(collection, findInvitationById);
export const atInvitation = atNodeOf(collection, knownInvitation);
