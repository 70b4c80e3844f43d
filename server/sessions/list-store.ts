/** The SQL of looking at sessions. */
import { sql } from "kysely";
import { isFault, type Result } from "../../core/faults.ts";
import type { NodeId, PrincipalId, TenantId } from "../../core/ids.ts";
import type { FieldTable } from "../operations/listing/fields.ts";
import { type ListRequest, listPage, type Page, type Paging } from "../operations/listing/list-page.ts";
import type { Tx } from "../platform/database/database.ts";
import type { TreeTables } from "../tree/store.ts";
import type { Acr, Method } from "./model.ts";
import type { ListedSession } from "./operation-model.ts";

type Tables = TreeTables & {
  users: { tenant_id: TenantId; id: PrincipalId; node_id: NodeId };
  sessions: {
    tenant_id: TenantId;
    id: string;
    user_id: PrincipalId;
    state: ListedSession["state"];
    methods: Method[];
    acr: Acr;
    user_agent: string;
    address: string;
    auth_time: Date;
    create_time: Date;
    seen_time: Date;
    expire_time: Date;
    idle_seconds: number;
    end_time: Date | null;
  };
};

/** With where its user is managed, which is where its operations are decided. */
const selectSessions = (tx: Tx) =>
  tx
    .kysely<Tables>()
    .selectFrom("sessions")
    .innerJoin("users", (join) =>
      join.onRef("users.tenant_id", "=", "sessions.tenant_id").onRef("users.id", "=", "sessions.user_id"),
    )
    .innerJoin("nodes", (join) =>
      join.onRef("nodes.tenant_id", "=", "users.tenant_id").onRef("nodes.id", "=", "users.node_id"),
    )
    .select([
      "sessions.id",
      "sessions.user_id",
      "users.node_id",
      "sessions.state",
      "sessions.methods",
      "sessions.acr",
      "sessions.user_agent",
      "sessions.address",
      "sessions.auth_time",
      "sessions.create_time",
      "sessions.seen_time",
      "sessions.expire_time",
      "sessions.idle_seconds",
      "sessions.end_time",
    ])
    .where("sessions.tenant_id", "=", tx.tenant);

type Row = Awaited<ReturnType<ReturnType<typeof selectSessions>["execute"]>>[number];

const sessionOf = (row: Row): ListedSession => ({
  id: row.id,
  user: row.user_id,
  state: row.state,
  methods: row.methods,
  acr: row.acr,
  userAgent: row.user_agent,
  address: row.address,
  authTime: row.auth_time,
  createTime: row.create_time,
  seenTime: row.seen_time,
  expireTime: row.expire_time,
  idleSeconds: row.idle_seconds,
  endTime: row.end_time,
});

export const findListed = async (
  tx: Tx,
  id: string,
): Promise<{ readonly session: ListedSession; readonly node: NodeId } | undefined> => {
  const row = await selectSessions(tx).where("sessions.id", "=", id).executeTakeFirst();
  return row && { session: sessionOf(row), node: row.node_id };
};

type Column = "sessions.user_id" | "sessions.state" | "sessions.create_time" | "sessions.seen_time";

const listing = {
  fields: {
    user: { column: "sessions.user_id", type: "ref", collections: ["users"] },
    create_time: { column: "sessions.create_time", type: "time" },
    seen_time: { column: "sessions.seen_time", type: "time" },
  } satisfies FieldTable<Column>,
  order: { time: "sessions.create_time", id: "sessions.id" },
} as const;

/** Sessions of the tenant's users, or of those managed in the node `below` and under it. */
export const listSessionsBelow = async (
  tx: Tx,
  below: NodeId | undefined,
  request: ListRequest,
  paging: Paging,
): Promise<Result<Page<ListedSession>>> => {
  const query = selectSessions(tx).$if(below !== undefined, (all) =>
    all.where(sql<boolean>`${below}::uuid = any(nodes.ancestors)`),
  );
  const page = await listPage(query, listing, request, paging);
  return isFault(page) ? page : { ...page, rows: page.rows.map(sessionOf) };
};

/** A human's own live sessions, the last seen first. In a transaction of the home tenant. */
export const liveSessionsOf = async (tx: Tx, user: PrincipalId, now: number): Promise<readonly ListedSession[]> => {
  const at = new Date(now);
  const rows = await selectSessions(tx)
    .where("sessions.user_id", "=", user)
    .where("sessions.state", "<>", "ended")
    .where("sessions.expire_time", ">", at)
    .where(sql<boolean>`sessions.seen_time + make_interval(secs => sessions.idle_seconds) > ${at}`)
    .orderBy("sessions.seen_time", "desc")
    .limit(200)
    .execute();
  return rows.map(sessionOf);
};
