/** Finding a domain. Domains are the tenant's as a whole, and decided at its root. */
import { isFault, type Result } from "../../../core/faults.ts";
import { formatRef, rootNode } from "../../../core/ids.ts";
import type { Target } from "../../operations/operation.ts";
import { noSuch } from "../../operations/targets.ts";
import type { Tx } from "../../platform/database/database.ts";
import { collection, type Domain } from "./model.ts";
import { findDomain } from "./store.ts";

export const knownDomain = async (tx: Tx, id: string): Promise<Result<Domain>> =>
  (await findDomain(tx, id)) ?? noSuch(formatRef(collection, id));

export const atDomain = async (tx: Tx, input: { readonly id: string }): Promise<Result<Target>> => {
  const domain = await knownDomain(tx, input.id);
  return isFault(domain) ? domain : { node: rootNode(tx.tenant), ref: formatRef(collection, domain.id) };
};
