/** All SQL of mail links. */
import type { PrincipalId } from "../../../core/ids.ts";
import type { Tx } from "../../platform/database/database.ts";

export type LinkPurpose = "verify_email" | "reset_password" | "change_email";

export type NewLink = {
  readonly id: string;
  readonly user: PrincipalId;
  readonly purpose: LinkPurpose;
  readonly email: string;
  readonly hash: Buffer;
  readonly createTime: Date;
  readonly expireTime: Date;
};

export const insertLink = async (tx: Tx, link: NewLink): Promise<void> => {
  await tx.query(
    "mail_links.insert",
    `insert into mail_links (tenant_id, id, user_id, purpose, email, hash, create_time, expire_time)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [tx.tenant, link.id, link.user, link.purpose, link.email, link.hash, link.createTime, link.expireTime],
  );
};

/** Links of this purpose made for the user since then, used or not. */
export const countLinks = async (tx: Tx, user: PrincipalId, purpose: LinkPurpose, since: Date): Promise<number> => {
  const [row] = await tx.query<{ count: number }>(
    "mail_links.count",
    `select count(*)::integer as count from mail_links
      where tenant_id = $1 and user_id = $2 and purpose = $3 and create_time > $4`,
    [tx.tenant, user, purpose, since],
  );
  return row?.count ?? 0;
};

export type StoredLink = { readonly user: PrincipalId; readonly email: string };

/** Whose a link is that can still be used; it is not used by this. */
export const findLink = async (
  tx: Tx,
  hash: Buffer,
  purpose: LinkPurpose,
  now: Date,
): Promise<StoredLink | undefined> =>
  (
    await tx.query<StoredLink>(
      "mail_links.find",
      `select user_id as "user", email from mail_links
        where tenant_id = $1 and hash = $2 and purpose = $3 and use_time is null and expire_time > $4`,
      [tx.tenant, hash, purpose, now],
    )
  )[0];

/** Invariant 3: one of two uses at once finds the link used. */
export const spendLink = async (
  tx: Tx,
  hash: Buffer,
  purpose: LinkPurpose,
  now: Date,
): Promise<StoredLink | undefined> =>
  (
    await tx.query<StoredLink>(
      "mail_links.spend",
      `update mail_links set use_time = $4
        where tenant_id = $1 and hash = $2 and purpose = $3 and use_time is null and expire_time > $4
       returning user_id as "user", email`,
      [tx.tenant, hash, purpose, now],
    )
  )[0];

/** Every link of this purpose that the user could still use is used: there is a new password, or another way in has been chosen. */
export const endLinks = async (tx: Tx, user: PrincipalId, purpose: LinkPurpose, now: Date): Promise<void> => {
  await tx.query(
    "mail_links.end",
    "update mail_links set use_time = $4 where tenant_id = $1 and user_id = $2 and purpose = $3 and use_time is null",
    [tx.tenant, user, purpose, now],
  );
};
