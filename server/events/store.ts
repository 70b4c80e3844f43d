/** All of the outbox's SQL: emit with the change, place after commit, read by position. */
import type { Attribution } from "../../core/attribution.ts";
import type { TenantId } from "../../core/ids.ts";
import { newId } from "../platform/random.ts";
import type { Tx } from "../platform/database/database.ts";
import type { NewEvent, PlacedEvent } from "./model.ts";

/** Writes the event in the change's own transaction. */
export const emit = async (tx: Tx, event: NewEvent, attribution: Attribution, now: number): Promise<void> => {
  await tx.query(
    "events.emit",
    "insert into events (tenant_id, id, type, subject, time, data, attribution) values ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb)",
    [
      tx.tenant,
      newId(),
      `countersign.${event.type}.v1`,
      event.subject,
      new Date(now),
      JSON.stringify(event.data),
      JSON.stringify(attribution),
    ],
  );
};

type Row = {
  tenant_id: TenantId;
  id: string;
  position: number;
  type: string;
  subject: string;
  time: Date;
  data: unknown;
  attribution: Attribution;
};

const columns = "tenant_id, id, position, type, subject, time, data, attribution";
const placed = (row: Row): PlacedEvent => ({
  tenant: row.tenant_id,
  id: row.id,
  position: row.position,
  type: row.type,
  subject: row.subject,
  time: row.time,
  data: row.data,
  attribution: row.attribution,
});

/** Only one relay works at a time, in whichever process gets here first; the lock ends with its transaction. */
export const becomeRelay = async (tx: Tx): Promise<boolean> => {
  const rows = await tx.query<{ held: boolean }>(
    "events.relay_lock",
    "select pg_try_advisory_xact_lock(hashtext('countersign.relay')) as held",
    [],
  );
  return rows[0]?.held === true;
};

/**
 * Gives positions to committed events, in commit-safe order: an event is placed only when every transaction that could still add
 * one before it has ended. Returns how many.
 */
export const place = async (tx: Tx, batch: number): Promise<number> => {
  const rows = await tx.query<{ id: string }>(
    "events.place",
    `with ready as (
       select tenant_id, id, row_number() over (order by xid, seq) as nth from events
        where position is null and xid < pg_snapshot_xmin(pg_current_snapshot())
        order by xid, seq limit $1),
     base as (select coalesce(max(position), 0) as top from events where position is not null),
     numbered as (select ready.tenant_id, ready.id, base.top + ready.nth as position from ready cross join base)
     update events e set position = numbered.position from numbered
      where e.tenant_id = numbered.tenant_id and e.id = numbered.id returning e.id`,
    [batch],
  );
  return rows.length;
};

/** Whether a committed event has no position yet. */
export const isAnyUnplaced = async (tx: Tx): Promise<boolean> => {
  const sql = "select exists (select from events where position is null) as any";
  return (await tx.query<{ any: boolean }>("events.any_unplaced", sql, []))[0]?.any === true;
};

/** The position of the newest placed event; 0 where there is none. */
export const newestPosition = async (tx: Tx): Promise<number> => {
  const sql = "select coalesce(max(position), 0) as newest from events where position is not null";
  return (await tx.query<{ newest: number }>("events.newest", sql, []))[0]?.newest ?? 0;
};

/** Placed events of every tenant after a position. For the relay only. */
export const placedAfter = async (tx: Tx, position: number, limit: number): Promise<readonly PlacedEvent[]> => {
  const sql = `select ${columns} from events where position > $1 order by position limit $2`;
  return (await tx.query<Row>("events.after", sql, [position, limit])).map(placed);
};

/** One tenant's placed events after a position. */
export const tenantEventsAfter = async (tx: Tx, position: number, limit: number): Promise<readonly PlacedEvent[]> => {
  const sql = `select ${columns} from events where tenant_id = $1 and position > $2 order by position limit $3`;
  return (await tx.query<Row>("events.of_tenant", sql, [tx.tenant, position, limit])).map(placed);
};

/** How far a stream has been delivered. */
export const deliveredPosition = async (tx: Tx, stream: string): Promise<number> => {
  const rows = await tx.query<{ delivered_position: number }>(
    "events.delivered",
    "select delivered_position from relay_state where stream = $1",
    [stream],
  );
  return rows[0]?.delivered_position ?? 0;
};

export const markDelivered = async (tx: Tx, stream: string, position: number): Promise<void> => {
  await tx.query(
    "events.mark_delivered",
    `insert into relay_state (stream, delivered_position) values ($1, $2)
     on conflict (stream) do update set delivered_position = greatest(relay_state.delivered_position, excluded.delivered_position)`,
    [stream, position],
  );
};
