/** The SQL of what stands at a node, whatever it is. */
import { type RawBuilder, sql } from "kysely";
import type { NodeId } from "../../core/ids.ts";
import type { Tx } from "../platform/database/database.ts";

/** What to list: the tenant's, or what is at a node and below it; `places` are the collections a `parent` may be in. */
export type Stretch = { readonly below: NodeId | undefined; readonly places: readonly string[] };

/** In a query that has joined `nodes`: at the node or below it; anywhere where none is named. */
export const atOrBelow = (node: NodeId | undefined): RawBuilder<boolean> =>
  node === undefined ? sql<boolean>`true` : sql<boolean>`${node}::uuid = any(nodes.ancestors)`;

/** Deletes it if it is still at `revision`: true for the one call that did. */
export const deleteAtRevision = async (
  tx: Tx,
  table: "role_assignments" | "resource_grants" | "groups" | "roles",
  id: string,
  revision: number,
): Promise<boolean> => {
  const sqlText = `delete from ${table} where tenant_id = $1 and id = $2 and revision = $3 returning id`;
  return (await tx.query(`${table}.delete`, sqlText, [tx.tenant, id, revision])).length === 1;
};
