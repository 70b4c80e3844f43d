/** All SQL of TOTP devices. */
import type { PrincipalId } from "../../../core/ids.ts";
import type { Tx } from "../../platform/database/database.ts";

export type NewDevice = {
  readonly id: string;
  readonly user: PrincipalId;
  readonly displayName: string;
  readonly secretSealed: Buffer;
  readonly createTime: Date;
};

export const insertDevice = async (tx: Tx, device: NewDevice): Promise<void> => {
  await tx.query(
    "totp.insert",
    `insert into totp_devices (tenant_id, id, user_id, display_name, secret_sealed, create_time)
     values ($1, $2, $3, $4, $5, $6)`,
    [tx.tenant, device.id, device.user, device.displayName, device.secretSealed, device.createTime],
  );
};

export const countDevices = async (tx: Tx, user: PrincipalId): Promise<number> => {
  const [row] = await tx.query<{ count: number }>(
    "totp.count",
    `select count(*)::integer as count from totp_devices
      where tenant_id = $1 and user_id = $2 and confirm_time is not null`,
    [tx.tenant, user],
  );
  return row?.count ?? 0;
};

/** Those that were begun and not confirmed, but for the newest `keep`. */
export const deleteUnfinished = async (tx: Tx, user: PrincipalId, keep: number): Promise<void> => {
  await tx.query(
    "totp.delete_unfinished",
    `delete from totp_devices where tenant_id = $1 and user_id = $2 and confirm_time is null and id not in (
       select id from totp_devices where tenant_id = $1 and user_id = $2 and confirm_time is null
        order by create_time desc, id limit $3)`,
    [tx.tenant, user, keep],
  );
};

export type SealedSeed = { readonly id: string; readonly secret_sealed: Buffer };

export const findUnfinished = async (
  tx: Tx,
  user: PrincipalId,
  id: string,
  since: Date,
): Promise<SealedSeed | undefined> =>
  (
    await tx.query<SealedSeed>(
      "totp.find_unfinished",
      `select id, secret_sealed from totp_devices
        where tenant_id = $1 and user_id = $2 and id = $3 and confirm_time is null and create_time > $4`,
      [tx.tenant, user, id, since],
    )
  )[0];

/** True once. The code that confirms is used by it. */
export const confirmDevice = async (
  tx: Tx,
  user: PrincipalId,
  id: string,
  step: number,
  now: Date,
): Promise<boolean> => {
  const rows = await tx.query(
    "totp.confirm",
    `update totp_devices set confirm_time = $5, use_time = $5, last_step = $4
      where tenant_id = $1 and user_id = $2 and id = $3 and confirm_time is null returning id`,
    [tx.tenant, user, id, step, now],
  );
  return rows.length === 1;
};

export const confirmedSeeds = (tx: Tx, user: PrincipalId): Promise<readonly SealedSeed[]> =>
  tx.query<SealedSeed>(
    "totp.seeds",
    `select id, secret_sealed from totp_devices
      where tenant_id = $1 and user_id = $2 and confirm_time is not null order by create_time, id`,
    [tx.tenant, user],
  );

/** Invariant 3: the last step used only rises, by this statement alone, so of any number of uses at once one is the first. */
export const raiseStep = async (tx: Tx, user: PrincipalId, id: string, step: number, now: Date): Promise<boolean> => {
  const rows = await tx.query(
    "totp.use",
    `update totp_devices set last_step = $4, use_time = $5
      where tenant_id = $1 and user_id = $2 and id = $3 and confirm_time is not null and last_step < $4 returning id`,
    [tx.tenant, user, id, step, now],
  );
  return rows.length === 1;
};

export type DeviceRow = {
  readonly id: string;
  readonly display_name: string;
  readonly create_time: Date;
  readonly use_time: Date | null;
};

export const confirmedDevices = (tx: Tx, user: PrincipalId): Promise<readonly DeviceRow[]> =>
  tx.query<DeviceRow>(
    "totp.list",
    `select id, display_name, create_time, use_time from totp_devices
      where tenant_id = $1 and user_id = $2 and confirm_time is not null order by create_time, id`,
    [tx.tenant, user],
  );

export const deleteDevice = async (tx: Tx, user: PrincipalId, id: string): Promise<boolean> => {
  const rows = await tx.query(
    "totp.delete",
    "delete from totp_devices where tenant_id = $1 and user_id = $2 and id = $3 returning id",
    [tx.tenant, user, id],
  );
  return rows.length === 1;
};
