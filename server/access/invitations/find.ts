/** Finding an invitation is finding where its operations are decided: the perimeter it leads to. */
import { isFault, type Result } from "../../../core/faults.ts";
import { formatRef } from "../../../core/ids.ts";
import type { Target } from "../../operations/operation.ts";
import { noSuch } from "../../operations/targets.ts";
import type { Tx } from "../../platform/database/database.ts";
import { collection, type Invitation } from "./model.ts";
import { findInvitationById } from "./store.ts";

export const knownInvitation = async (tx: Tx, id: string): Promise<Result<Invitation>> =>
  (await findInvitationById(tx, id)) ?? noSuch(formatRef(collection, id));

export const atInvitation = async (tx: Tx, input: { readonly id: string }): Promise<Result<Target>> => {
  const invitation = await knownInvitation(tx, input.id);
  return isFault(invitation) ? invitation : { node: invitation.node.id, ref: formatRef(collection, invitation.id) };
};
