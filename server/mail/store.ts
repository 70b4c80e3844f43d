/** All SQL of the mail outbox. Rows are written in their tenant's transaction, and sent by the host. */
import type { TenantId } from "../../core/ids.ts";
import type { Tx } from "../platform/database/database.ts";

export type NewMail = {
  readonly id: string;
  readonly contentSealed: Buffer;
  readonly createTime: Date;
  readonly expireTime: Date;
};

export const insertMail = async (tx: Tx, mail: NewMail): Promise<void> => {
  await tx.query(
    "mail.insert",
    `insert into mail_outbox (tenant_id, id, content_sealed, create_time, next_attempt_time, expire_time)
     values ($1, $2, $3, $4, $4, $5)`,
    [tx.tenant, mail.id, mail.contentSealed, mail.createTime, mail.expireTime],
  );
};

export type DueMail = {
  readonly tenant_id: TenantId;
  readonly id: string;
  readonly content_sealed: Buffer;
  readonly create_time: Date;
  readonly expire_time: Date;
  readonly attempts: number;
};

/**
 * Takes what is due, oldest first, for as long as `lease` says: until then no other process takes it, and after it, should this one have
 * died, another does. Two processes that ask at once take different rows.
 */
export const leaseDue = async (tx: Tx, now: Date, lease: Date, limit: number): Promise<readonly DueMail[]> =>
  tx.query<DueMail>(
    "mail.lease",
    `with due as (
       select tenant_id, id from mail_outbox where next_attempt_time <= $1 order by next_attempt_time limit $3 for update skip locked)
     update mail_outbox m set next_attempt_time = $2, attempts = m.attempts + 1 from due
      where m.tenant_id = due.tenant_id and m.id = due.id
      returning m.tenant_id, m.id, m.content_sealed, m.create_time, m.expire_time, m.attempts`,
    [now, lease, limit],
  );

/** It has been sent, or given up. */
export const removeMail = async (tx: Tx, { tenant_id, id }: Pick<DueMail, "tenant_id" | "id">): Promise<void> => {
  await tx.query("mail.remove", "delete from mail_outbox where tenant_id = $1 and id = $2", [tenant_id, id]);
};

export const postpone = async (
  tx: Tx,
  { tenant_id, id }: Pick<DueMail, "tenant_id" | "id">,
  until: Date,
): Promise<void> => {
  await tx.query("mail.postpone", "update mail_outbox set next_attempt_time = $3 where tenant_id = $1 and id = $2", [
    tenant_id,
    id,
    until,
  ]);
};

/** When the next one is due; undefined where the outbox is empty. */
export const nextDue = async (tx: Tx): Promise<Date | undefined> =>
  (await tx.query<{ at: Date | null }>("mail.next_due", "select min(next_attempt_time) as at from mail_outbox", []))[0]
    ?.at ?? undefined;
