/** Finding a link is finding the resource it opens, where its operations are decided. */
import { isFault, type Result } from "../../../core/faults.ts";
import { formatRef, type ShareLinkId } from "../../../core/ids.ts";
import type { Target } from "../../operations/operation.ts";
import { noSuch } from "../../operations/targets.ts";
import type { Tx } from "../../platform/database/database.ts";
import { collection, linkRef, type ShareLink } from "./model.ts";
import { findLink } from "./store.ts";

export const knownLink = async (tx: Tx, id: string): Promise<Result<ShareLink>> =>
  (await findLink(tx, id as ShareLinkId)) ?? noSuch(formatRef(collection, id));

export const atLink = async (tx: Tx, input: { readonly id: string }): Promise<Result<Target>> => {
  const link = await knownLink(tx, input.id);
  return isFault(link) ? link : { node: link.node.id, ref: linkRef(link.id) };
};
