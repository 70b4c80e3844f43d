/** The SQL of back-channel logout. Notices are written where sessions end (sessions/store.ts), and taken here by the host, for every tenant. */
import type { PrincipalId, TenantId } from "../../../core/ids.ts";
import type { ClientMetadata } from "../../clients/model.ts";
import type { Tx } from "../../platform/database/database.ts";

export type DueNotice = {
  readonly tenant_id: TenantId;
  readonly id: string;
  readonly user_id: PrincipalId;
  readonly session_id: string;
  readonly client_tenant_id: TenantId;
  readonly application_id: string;
  /** This one included. */
  readonly attempts: number;
  readonly expire_time: Date;
};

/**
 * Takes notices that are due, for long enough to deliver them: no other process takes them meanwhile, and when this one dies they are
 * due again.
 */
export const leaseNotices = async (
  tx: Tx,
  limit: number,
  leaseSeconds: number,
  now: Date,
): Promise<readonly DueNotice[]> =>
  tx.query<DueNotice>(
    "logout.lease",
    `update logout_notices n
        set attempts = n.attempts + 1, next_attempt_time = $3::timestamptz + make_interval(secs => $2 * 2 ^ least(n.attempts, 6))
       from (select tenant_id, id from logout_notices where next_attempt_time <= $3 order by next_attempt_time limit $1
             for update skip locked) due
      where n.tenant_id = due.tenant_id and n.id = due.id
     returning n.tenant_id, n.id, n.user_id, n.session_id, n.client_tenant_id, n.application_id, n.attempts, n.expire_time`,
    [limit, leaseSeconds, now],
  );

export const removeNotice = async (tx: Tx, notice: Pick<DueNotice, "tenant_id" | "id">): Promise<void> => {
  await tx.query("logout.remove", "delete from logout_notices where tenant_id = $1 and id = $2", [
    notice.tenant_id,
    notice.id,
  ]);
};

export type Listener = { readonly client_id: string; readonly metadata: ClientMetadata };

/** Who is to be told, in the client's tenant; undefined where it is no client any more. */
export const readListener = async (tx: Tx, application: string): Promise<Listener | undefined> => {
  const rows = await tx.query<Listener>(
    "logout.listener",
    "select client_id, metadata from applications where tenant_id = $1 and id = $2 and state <> 'deleted'",
    [tx.tenant, application],
  );
  return rows[0];
};
