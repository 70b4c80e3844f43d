/** What a tenant has one of is named by the tenant's own id, and decided at its root. */
import type { Result } from "../../core/faults.ts";
import { formatRef, type NodeId, rootNode, type TenantId } from "../../core/ids.ts";
import type { Target } from "../operations/operation.ts";
import { noSuch } from "../operations/targets.ts";
import type { Tx } from "../platform/database/database.ts";
import { findNode } from "../tree/store.ts";

type Input = { readonly id: string };

/** The transaction is the named tenant's; another tenant's caller gets no further than its not being there. */
export const theTenant = (input: Input): TenantId => input.id as TenantId;

export const atItsRoot =
  (collection: string) =>
  async (tx: Tx, input: Input): Promise<Result<Target>> => {
    const node: NodeId = rootNode(tx.tenant);
    return (await findNode(tx, node)) === undefined
      ? noSuch(formatRef(collection, input.id))
      : { node, ref: formatRef(collection, input.id) };
  };
