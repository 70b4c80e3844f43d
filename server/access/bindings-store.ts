/** The SQL that resource grants and role assignments share: their tables differ in what is given alone. */
import { type BeneficiaryId, beneficiaryCollections, type BeneficiaryKind, type NodeId } from "../../core/ids.ts";
import type { Tx } from "../platform/database/database.ts";
import type { Binding, BindingTable } from "./bindings.ts";

/** Of a binding and, joined to it, its node. */
export const bindingColumns = <Table extends BindingTable>(table: Table) =>
  [
    `${table}.id`,
    `${table}.node_id`,
    "nodes.type as node_type",
    `${table}.principal_kind`,
    `${table}.principal_id`,
    `${table}.condition`,
    `${table}.expire_time`,
    `${table}.revision`,
    `${table}.create_time`,
    `${table}.update_time`,
  ] as const;

type Row = {
  readonly node_id: NodeId;
  readonly node_type: string;
  readonly principal_kind: BeneficiaryKind;
  readonly principal_id: BeneficiaryId;
  readonly condition: string | null;
  readonly expire_time: Date | null;
  readonly revision: number;
  readonly create_time: Date;
  readonly update_time: Date;
};

export const bindingOf = (row: Row): Binding => ({
  node: { id: row.node_id, type: row.node_type },
  principal: { kind: row.principal_kind, id: row.principal_id },
  condition: row.condition,
  expireTime: row.expire_time,
  revision: row.revision,
  createTime: row.create_time,
  updateTime: row.update_time,
});

/** What bindings are filtered by, besides what is given. */
export const bindingFields = <Table extends BindingTable>(table: Table, places: readonly string[]) =>
  ({
    parent: { column: `${table}.node_id`, type: "ref", collections: places },
    principal: { column: `${table}.principal_id`, type: "ref", collections: Object.values(beneficiaryCollections) },
    expire_time: { column: `${table}.expire_time`, type: "time" },
    create_time: { column: `${table}.create_time`, type: "time" },
    update_time: { column: `${table}.update_time`, type: "time" },
  }) as const;

/** As a row of either table has them. */
export const bindingValues = (tx: Tx, one: Binding) => ({
  tenant_id: tx.tenant,
  principal_kind: one.principal.kind,
  principal_id: one.principal.id,
  node_id: one.node.id,
  condition: one.condition,
  expire_time: one.expireTime,
  revision: one.revision,
  create_time: one.createTime,
  update_time: one.updateTime,
});
