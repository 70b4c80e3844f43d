/** The SQL behind decisions: facts about one principal at one node, in one statement (migrations: `decision_facts`). */
import { hostTenant, type NodeId, type TenantId } from "../../core/ids.ts";
import type { Database, Tx } from "../platform/database/database.ts";
import type { Principal } from "./caller.ts";

/** [id, built-in role, custom role's id, its permissions, its within_grants, anchor, propagation, expiry in ms] */
export type StoredAssignment = readonly [
  string,
  string | null,
  string | null,
  readonly string[] | null,
  readonly string[] | null,
  NodeId | null,
  "subtree" | "self",
  number | null,
];

/** What `decision_facts` answers: names and patterns as stored, which the model in force turns into permission sets. */
export type StoredFacts = {
  /** The principal's; null when there is none, or it is no member of the tenant. */
  readonly state: string | null;
  /** [node, type, state], target first; null when there is no such node. */
  readonly path: readonly (readonly [NodeId, string, string])[] | null;
  readonly assignments: readonly StoredAssignment[];
};

/** Whose authority, bound to which tenant, at which node of which tenant. `bound` and `tenant` differ only for the host's principals. */
export type FactsKey = { readonly principal: Principal; readonly bound: TenantId; readonly tenant: TenantId; readonly node: NodeId };

export const decisionFactsSql = "select decision_facts($1, $2, $3, $4, $5, $6) as facts";

type Row = { facts: StoredFacts };
const values = (key: FactsKey): readonly unknown[] => [
  hostTenant,
  key.bound,
  key.principal.kind,
  key.principal.id,
  key.tenant,
  key.node,
];

const nothing: StoredFacts = { state: null, path: null, assignments: [] };

/** Outside any transaction: the cold path of a check. */
export const readFacts = async (database: Database, key: FactsKey): Promise<StoredFacts> =>
  (await database.statement<Row>("authority.facts", decisionFactsSql, values(key)))[0]?.facts ?? nothing;

/** Inside the transaction that is about to change something, so that what is decided on is what is true when it commits. */
export const readFactsIn = async (tx: Tx, key: FactsKey): Promise<StoredFacts> =>
  (await tx.query<Row>("authority.facts", decisionFactsSql, values(key)))[0]?.facts ?? nothing;
