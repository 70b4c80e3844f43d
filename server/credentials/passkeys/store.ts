/** All SQL of passkeys. */
import type { PrincipalId } from "../../../core/ids.ts";
import type { Tx } from "../../platform/database/database.ts";

export type PasskeyRow = {
  readonly id: string;
  readonly credential_id: Buffer;
  readonly transports: readonly string[];
  readonly backed_up: boolean;
  readonly display_name: string;
  readonly create_time: Date;
  readonly use_time: Date | null;
};

export const passkeysOf = (tx: Tx, user: PrincipalId): Promise<readonly PasskeyRow[]> =>
  tx.query<PasskeyRow>(
    "passkeys.list",
    `select id, credential_id, transports, backed_up, display_name, create_time, use_time from passkeys
      where tenant_id = $1 and user_id = $2 order by create_time, id`,
    [tx.tenant, user],
  );

export type NewPasskey = {
  readonly id: string;
  readonly user: PrincipalId;
  readonly credentialId: Buffer;
  readonly publicKey: Buffer;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly aaguid: string | null;
  readonly backedUp: boolean;
  readonly displayName: string;
  readonly createTime: Date;
};

/** False where the tenant has a passkey of this id already. */
export const insertPasskey = async (tx: Tx, passkey: NewPasskey): Promise<boolean> => {
  const rows = await tx.query(
    "passkeys.insert",
    `insert into passkeys (tenant_id, id, user_id, credential_id, public_key, counter, transports, aaguid, backed_up, display_name, create_time)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     on conflict do nothing returning id`,
    [
      tx.tenant,
      passkey.id,
      passkey.user,
      passkey.credentialId,
      passkey.publicKey,
      passkey.counter,
      passkey.transports,
      passkey.aaguid,
      passkey.backedUp,
      passkey.displayName,
      passkey.createTime,
    ],
  );
  return rows.length === 1;
};

export type PasskeyKey = { readonly id: string; readonly public_key: Buffer };

export const findPasskey = async (tx: Tx, user: PrincipalId, credentialId: Buffer): Promise<PasskeyKey | undefined> =>
  (
    await tx.query<PasskeyKey>(
      "passkeys.find",
      "select id, public_key from passkeys where tenant_id = $1 and user_id = $2 and credential_id = $3",
      [tx.tenant, user, credentialId],
    )
  )[0];

/**
 * WebAuthn §7.2 step 22: the counter rises with each use, or is always zero where the authenticator counts nothing. False where it does not:
 * two authenticators have the key, or one answer came twice.
 */
export const raiseCounter = async (
  tx: Tx,
  {
    id,
    counter,
    backedUp,
    now,
  }: { readonly id: string; readonly counter: number; readonly backedUp: boolean; readonly now: Date },
): Promise<boolean> => {
  const rows = await tx.query(
    "passkeys.use",
    `update passkeys set counter = $3, backed_up = $4, use_time = $5
      where tenant_id = $1 and id = $2 and (counter < $3 or (counter = 0 and $3 = 0)) returning id`,
    [tx.tenant, id, counter, backedUp, now],
  );
  return rows.length === 1;
};

/** Invariant 3: true for one of any number of uses of the challenge. Kept until it would be refused for its age. */
export const spendChallenge = async (tx: Tx, hash: Buffer, expires: Date): Promise<boolean> => {
  const rows = await tx.query(
    "passkeys.spend_challenge",
    `insert into spent_once (tenant_id, purpose, hash, expire_time) values ($1, 'passkey_challenge', $2, $3)
     on conflict do nothing returning hash`,
    [tx.tenant, hash, expires],
  );
  return rows.length === 1;
};

export const changeName = async (tx: Tx, user: PrincipalId, id: string, displayName: string): Promise<boolean> => {
  const rows = await tx.query(
    "passkeys.rename",
    "update passkeys set display_name = $4 where tenant_id = $1 and user_id = $2 and id = $3 returning id",
    [tx.tenant, user, id, displayName],
  );
  return rows.length === 1;
};

export const deletePasskey = async (tx: Tx, user: PrincipalId, id: string): Promise<boolean> => {
  const rows = await tx.query(
    "passkeys.delete",
    "delete from passkeys where tenant_id = $1 and user_id = $2 and id = $3 returning id",
    [tx.tenant, user, id],
  );
  return rows.length === 1;
};
