/** The SQL of idempotency: one row per (principal, route, key), kept 24 hours, in the operation's own transaction. */
import { sql } from "kysely";
import type { PrincipalId, TenantId } from "../../core/ids.ts";
import type { Tx } from "../platform/database/database.ts";

type Tables = {
  idempotency_keys: {
    tenant_id: TenantId;
    principal_id: PrincipalId;
    route: string;
    key: string;
    request_hash: Buffer;
    status: number;
    response: unknown;
    expire_time: Date;
  };
};

export type IdempotencyName = { readonly principal: PrincipalId; readonly route: string; readonly key: string };

/** False while another transaction runs the same request. The lock ends with this transaction. */
export const claimKey = async (tx: Tx, name: IdempotencyName): Promise<boolean> => {
  const rows = await tx.query<{ held: boolean }>(
    "idempotency.claim",
    "select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as held",
    [JSON.stringify([tx.tenant, name.principal, name.route, name.key])],
  );
  return rows[0]?.held === true;
};

export type RememberedAnswer = { readonly request_hash: Buffer; readonly status: number; readonly response: unknown };

/** With the answer, the snapshot it was seen in. */
export const findAnswer = async (
  tx: Tx,
  name: IdempotencyName,
  now: Date,
): Promise<(RememberedAnswer & { readonly read: string }) | undefined> =>
  tx
    .kysely<Tables>()
    .selectFrom("idempotency_keys")
    .select(["request_hash", "status", "response", sql<string>`pg_current_snapshot()::text`.as("read")])
    .where("tenant_id", "=", tx.tenant)
    .where("principal_id", "=", name.principal)
    .where("route", "=", name.route)
    .where("key", "=", name.key)
    .where("expire_time", ">", now)
    .executeTakeFirst();

export const rememberAnswer = async (
  tx: Tx,
  name: IdempotencyName,
  answer: RememberedAnswer,
  expires: Date,
): Promise<void> => {
  const row = {
    request_hash: answer.request_hash,
    status: answer.status,
    response: JSON.stringify(answer.response),
    expire_time: expires,
  };
  await tx
    .kysely<Tables>()
    .insertInto("idempotency_keys")
    .values({ tenant_id: tx.tenant, principal_id: name.principal, route: name.route, key: name.key, ...row })
    .onConflict((conflict) => conflict.columns(["tenant_id", "principal_id", "route", "key"]).doUpdateSet(row))
    .execute();
};
