/** All SQL of registered resources that the tree's own does not have. */
import { sql } from "kysely";
import type { Result } from "../../../core/faults.ts";
import { type NodeId, type PrincipalId, type PrincipalKind, principalCollections } from "../../../core/ids.ts";
import type { FieldTable } from "../../operations/listing/fields.ts";
import { type ListRequest, listPage, type Page, type Paging } from "../../operations/listing/list-page.ts";
import type { Tx } from "../../platform/database/database.ts";
import { nodeOf, type NodeTable } from "../../tree/store.ts";
import { type Attributes, ownerOf, type Resource } from "./model.ts";

type Tables = {
  nodes: NodeTable & {
    owner_kind: PrincipalKind | null;
    owner_id: PrincipalId | null;
    attributes: unknown;
  };
};

/** `types` are the model's resource types: a perimeter is no resource. */
const selectResources = (tx: Tx, types: readonly string[]) =>
  tx
    .kysely<Tables>()
    .selectFrom("nodes")
    .innerJoin("nodes as above", (join) =>
      join.onRef("above.tenant_id", "=", "nodes.tenant_id").onRef("above.id", "=", "nodes.parent_id"),
    )
    .select([
      "nodes.tenant_id",
      "nodes.id",
      "nodes.type",
      "nodes.parent_id",
      "nodes.ancestors",
      "nodes.display_name",
      "nodes.state",
      "nodes.owner_kind",
      "nodes.owner_id",
      "nodes.attributes",
      "nodes.revision",
      "nodes.create_time",
      "nodes.update_time",
      "above.type as parent_type",
    ])
    .where("nodes.tenant_id", "=", tx.tenant)
    .where(sql<boolean>`nodes.type = any(${types}::text[])`)
    .where("nodes.state", "<>", "deleted");

type Row = Awaited<ReturnType<ReturnType<typeof selectResources>["execute"]>>[number];

const resourceOf = (row: Row): Resource => ({
  ...nodeOf(row),
  parentType: row.parent_type,
  owner: ownerOf(row.owner_kind, row.owner_id),
  attributes: row.attributes as Attributes,
});

export const findResource = async (tx: Tx, types: readonly string[], id: NodeId): Promise<Resource | undefined> => {
  const row = await selectResources(tx, types).where("nodes.id", "=", id).executeTakeFirst();
  return row && resourceOf(row);
};

/** Which resources to list: the tenant's, or those below a node; `places` are the collections a `parent` may be in. */
export type Stretch = {
  readonly types: readonly string[];
  readonly below: NodeId | undefined;
  readonly places: readonly string[];
};

type Column =
  | "nodes.type"
  | "nodes.display_name"
  | "nodes.parent_id"
  | "nodes.owner_id"
  | "nodes.create_time"
  | "nodes.update_time";

const fields = (places: readonly string[]): FieldTable<Column> => ({
  type: { column: "nodes.type", type: "text" },
  display_name: { column: "nodes.display_name", type: "text" },
  parent: { column: "nodes.parent_id", type: "ref", collections: places },
  owner: { column: "nodes.owner_id", type: "ref", collections: Object.values(principalCollections) },
  create_time: { column: "nodes.create_time", type: "time" },
  update_time: { column: "nodes.update_time", type: "time" },
});

export const listResources = async (
  tx: Tx,
  { types, below, places }: Stretch,
  request: ListRequest,
  paging: Paging,
): Promise<Result<Page<Resource>>> => {
  const query = selectResources(tx, types).$if(below !== undefined, (all) =>
    all.where(sql<boolean>`${below}::uuid = any(nodes.ancestors)`).where("nodes.id", "<>", below as NodeId),
  );
  const listing = { fields: fields(places), order: { time: "nodes.create_time", id: "nodes.id" } } as const;
  const page = await listPage(query, listing, request, paging);
  return "fault" in page ? page : { ...page, rows: page.rows.map(resourceOf) };
};

/**
 * Writes all of them, or, where any of their ids is taken in this tenant, none: answers those. An id is taken by whatever has it, a
 * perimeter or something deleted too. What was written before the collision was seen is taken back to the savepoint.
 */
export const insertResources = async (tx: Tx, resources: readonly Resource[]): Promise<readonly NodeId[]> => {
  await tx.query("resources.savepoint", "savepoint before_resources", []);
  const values = resources.map((resource) => ({
    tenant_id: resource.tenant,
    id: resource.id,
    type: resource.type,
    parent_id: resource.parent,
    ancestors: [...resource.ancestors],
    display_name: resource.displayName,
    state: resource.state,
    owner_kind: resource.owner?.kind ?? null,
    owner_id: resource.owner?.id ?? null,
    attributes: JSON.stringify(resource.attributes),
    revision: resource.revision,
    create_time: resource.createTime,
    update_time: resource.updateTime,
  }));
  const written = await tx
    .kysely<Tables>()
    .insertInto("nodes")
    .values(values)
    .onConflict((conflict) => conflict.doNothing())
    .returning("id")
    .execute();
  if (written.length === resources.length) return [];
  await tx.query("resources.rollback", "rollback to savepoint before_resources", []);
  const free = new Set(written.map(({ id }) => id));
  return resources.map(({ id }) => id).filter((id) => !free.has(id));
};

export type ResourceChange = {
  readonly display_name?: string;
  readonly owner?: Resource["owner"];
  readonly attributes?: Attributes;
};

/** Changes the resource if it is still at `revision`; false where somebody else was faster. */
export const updateResource = async (
  tx: Tx,
  id: NodeId,
  revision: number,
  { display_name, owner, attributes }: ResourceChange,
  now: Date,
): Promise<boolean> => {
  const row = await tx
    .kysely<Tables>()
    .updateTable("nodes")
    .set({
      ...(display_name === undefined ? {} : { display_name }),
      ...(owner === undefined ? {} : { owner_kind: owner?.kind ?? null, owner_id: owner?.id ?? null }),
      ...(attributes === undefined ? {} : { attributes: JSON.stringify(attributes) }),
      revision: revision + 1,
      update_time: now,
    })
    .where("tenant_id", "=", tx.tenant)
    .where("id", "=", id)
    .where("revision", "=", revision)
    .where("state", "<>", "deleted")
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
};

export type Ended = { readonly grants: number; readonly assignments: number; readonly links: number };

/** Ends what was granted, assigned and shared on the resource itself; the node is held, so that nothing more comes. */
export const endBindings = async (tx: Tx, id: NodeId, now: Date): Promise<Ended> => {
  const grants = await tx.query(
    "resources.end_grants",
    "delete from resource_grants where tenant_id = $1 and node_id = $2 returning id",
    [tx.tenant, id],
  );
  const assignments = await tx.query(
    "resources.end_assignments",
    "delete from role_assignments where tenant_id = $1 and node_id = $2 returning id",
    [tx.tenant, id],
  );
  const links = await tx.query(
    "resources.end_links",
    `update share_links set revoke_time = $3, revision = revision + 1
      where tenant_id = $1 and node_id = $2 and revoke_time is null returning id`,
    [tx.tenant, id, now],
  );
  return { grants: grants.length, assignments: assignments.length, links: links.length };
};
