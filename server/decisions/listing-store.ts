/** The SQL of lists: one page of candidates with the facts to decide each of them, in one statement (migrations: 0010_listing_plans). */
import { hostTenant, type NodeId, type PrincipalId, type PrincipalKind, type TenantId } from "../../core/ids.ts";
import type { StoredBetween } from "../operations/reach/facts-between.ts";
import type { Database } from "../platform/database/database.ts";
import type { Giving } from "./giving.ts";
import type { StoredPage } from "./list-facts.ts";

/** Where a list of nodes goes on; opaque to everyone but `nodes_in_reach`. */
export type Place = Readonly<Record<string, unknown>>;

/** `place` is null where nothing is left. */
export type NodePage = StoredPage & { readonly place: Place | null };

export type NodesWanted = {
  readonly principal: { readonly kind: PrincipalKind; readonly id: PrincipalId };
  readonly bound: TenantId;
  readonly tenant: TenantId;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** As stored: `account`, `documents`. */
  readonly type: string;
  /** By type, the types to look for below it. */
  readonly below: Readonly<Record<string, readonly string[]>>;
  readonly giving: Giving;
  readonly place: Place | null;
  readonly limit: number;
};

/** Nodes looked at for one page: what a page may cost, where next to nothing of it is found. */
const visits_max = 5_000;

export const readNodesInReach = async (database: Database, wanted: NodesWanted): Promise<NodePage> => {
  const rows = await database.statement<{ page: NodePage }>(
    "decisions.list_nodes",
    "select list_nodes($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9, $10, $11, $12, $13::jsonb, $14, $15) as page",
    [
      hostTenant,
      wanted.bound,
      wanted.principal.kind,
      wanted.principal.id,
      wanted.tenant,
      new Date(wanted.now),
      wanted.type,
      JSON.stringify(wanted.below),
      wanted.giving.roles,
      wanted.giving.hostRoles,
      wanted.giving.patterns,
      wanted.giving.levels,
      wanted.place === null ? null : JSON.stringify(wanted.place),
      wanted.limit,
      visits_max,
    ],
  );
  return one(rows).page;
};

export type PrincipalPage = StoredBetween & {
  readonly found: readonly PrincipalId[];
  /** The id after which to go on; null where nobody is left. */
  readonly place: string | null;
  readonly read: string;
};

export type PrincipalsWanted = {
  readonly kind: PrincipalKind;
  readonly tenant: TenantId;
  readonly node: NodeId;
  readonly now: number;
  readonly giving: Giving;
  readonly after: string;
  readonly limit: number;
};

/** Principals read at one node or in one group for one page. */
const scan_max = 2_000;

export const readReachingPrincipals = async (database: Database, wanted: PrincipalsWanted): Promise<PrincipalPage> => {
  const rows = await database.statement<{ page: PrincipalPage }>(
    "decisions.reaching_principals",
    "select reaching_principals($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) as page",
    [
      hostTenant,
      wanted.tenant,
      wanted.node,
      wanted.kind,
      new Date(wanted.now),
      wanted.tenant === hostTenant ? wanted.giving.hostRoles : wanted.giving.roles,
      wanted.giving.patterns,
      wanted.giving.levels,
      wanted.after,
      wanted.limit,
      scan_max,
    ],
  );
  return one(rows).page;
};

const one = <Row>([row]: readonly Row[]): Row => {
  if (row === undefined) throw new Error("a function answers one row");
  return row;
};
