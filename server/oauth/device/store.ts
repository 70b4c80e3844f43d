/** The SQL of device authorizations. All of them live at the host, since a user code does not say whose client it is for. */
import type { PrincipalId, TenantId } from "../../../core/ids.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { Acr, Method } from "../../sessions/model.ts";

export type NewDeviceRequest = {
  readonly id: string;
  readonly deviceHash: Buffer;
  readonly userCodeHash: Buffer;
  readonly clientTenant: TenantId;
  readonly application: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly audience: readonly string[];
  readonly details: readonly object[];
  readonly jkt: string | null;
  /** Where it is settled already. */
  readonly bound: TenantId | null;
  readonly intervalSeconds: number;
  readonly createTime: Date;
  readonly expireTime: Date;
};

/** False where the user code is somebody else's just now. */
export const insertDeviceRequest = async (tx: Tx, request: NewDeviceRequest): Promise<boolean> => {
  const rows = await tx.query(
    "device.insert",
    `insert into device_authorizations
       (tenant_id, id, device_hash, user_code_hash, client_tenant_id, application_id, client_id, scopes, audience,
        authorization_details, dpop_jkt, bound_tenant_id, state, interval_seconds, create_time, expire_time)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'pending', $13, $14, $15)
     on conflict do nothing returning id`,
    [
      tx.tenant,
      request.id,
      request.deviceHash,
      request.userCodeHash,
      request.clientTenant,
      request.application,
      request.clientId,
      request.scopes,
      request.audience,
      request.details.length === 0 ? null : JSON.stringify(request.details),
      request.jkt,
      request.bound,
      request.intervalSeconds,
      request.createTime,
      request.expireTime,
    ],
  );
  return rows.length === 1;
};

export type PendingDevice = {
  readonly id: string;
  readonly client_id: string;
  readonly scopes: readonly string[];
  readonly audience: readonly string[];
  readonly authorization_details: readonly object[] | null;
  readonly bound_tenant_id: TenantId | null;
  readonly create_time: Date;
};

export const readPendingDevice = async (
  tx: Tx,
  userCodeHash: Buffer,
  now: Date,
): Promise<PendingDevice | undefined> => {
  const rows = await tx.query<PendingDevice>(
    "device.pending",
    `select id, client_id, scopes, audience, authorization_details, bound_tenant_id, create_time
       from device_authorizations
      where tenant_id = $1 and user_code_hash = $2 and state = 'pending' and expire_time > $3`,
    [tx.tenant, userCodeHash, now],
  );
  return rows[0];
};

export type Approval = {
  readonly home: TenantId;
  readonly user: PrincipalId;
  readonly session: string;
  readonly bound: TenantId;
  readonly acr: Acr;
  readonly methods: readonly Method[];
  readonly authTime: Date;
};

/** True for the one decision that was made. A tenant that was settled before stays. */
export const markApproved = async (tx: Tx, id: string, approval: Approval, now: Date): Promise<boolean> => {
  const rows = await tx.query(
    "device.approve",
    `update device_authorizations
        set state = 'approved', home_tenant_id = $3, user_id = $4, session_id = $5, bound_tenant_id = $6, acr = $7, methods = $8,
            auth_time = $9
      where tenant_id = $1 and id = $2 and state = 'pending' and expire_time > $10
        and (bound_tenant_id is null or bound_tenant_id = $6) returning id`,
    [
      tx.tenant,
      id,
      approval.home,
      approval.user,
      approval.session,
      approval.bound,
      approval.acr,
      approval.methods,
      approval.authTime,
      now,
    ],
  );
  return rows.length === 1;
};

export const markDenied = async (tx: Tx, id: string, now: Date): Promise<boolean> => {
  const rows = await tx.query(
    "device.deny",
    `update device_authorizations set state = 'denied'
      where tenant_id = $1 and id = $2 and state = 'pending' and expire_time > $3 returning id`,
    [tx.tenant, id, now],
  );
  return rows.length === 1;
};

/** Whose device code it is, and what proves it. */
export type DeviceKey = {
  readonly deviceHash: Buffer;
  readonly clientTenant: TenantId;
  readonly application: string;
};

export type ApprovedDevice = {
  readonly scopes: readonly string[];
  readonly audience: readonly string[];
  readonly authorization_details: readonly object[] | null;
  readonly home_tenant_id: TenantId;
  readonly user_id: PrincipalId;
  readonly session_id: string;
  readonly bound_tenant_id: TenantId;
  readonly acr: Acr;
  readonly methods: readonly Method[];
  readonly auth_time: Date;
};

/** Single use (invariant 3): what was approved, for the one poll that gets it. A request bound to a key is redeemed with that key. */
export const redeemApproved = async (
  tx: Tx,
  key: DeviceKey,
  jkt: string | null,
  now: Date,
): Promise<ApprovedDevice | undefined> => {
  const rows = await tx.query<ApprovedDevice>(
    "device.redeem",
    `update device_authorizations set state = 'redeemed', poll_time = $5
      where tenant_id = $1 and device_hash = $2 and client_tenant_id = $3 and application_id = $4
        and state = 'approved' and expire_time > $5 and (dpop_jkt is null or dpop_jkt = $6)
      returning scopes, audience, authorization_details, home_tenant_id, user_id, session_id, bound_tenant_id, acr, methods, auth_time`,
    [tx.tenant, key.deviceHash, key.clientTenant, key.application, now, jkt],
  );
  return rows[0];
};

export type Poll = {
  readonly state: "pending" | "approved" | "denied" | "redeemed";
  readonly expired: boolean;
  /** It came sooner than the interval allows; the interval has grown. */
  readonly early: boolean;
};

/** Notes that the device has asked. The row is held from before, so that of two polls at once the second one is early. */
export const notePoll = async (tx: Tx, key: DeviceKey, growSeconds: number, now: Date): Promise<Poll | undefined> => {
  const rows = await tx.query<Poll>(
    "device.poll",
    `with asked as (
       select id, expire_time <= $5 as expired,
              coalesce(poll_time > $5::timestamptz - make_interval(secs => interval_seconds), false) as early
         from device_authorizations
        where tenant_id = $1 and device_hash = $2 and client_tenant_id = $3 and application_id = $4 for update)
     update device_authorizations d
        set poll_time = $5, interval_seconds = d.interval_seconds + case when asked.early then $6::integer else 0 end
       from asked where d.tenant_id = $1 and d.id = asked.id
     returning d.state, asked.expired, asked.early`,
    [tx.tenant, key.deviceHash, key.clientTenant, key.application, now, growSeconds],
  );
  return rows[0];
};
