/** The SQL of sign-in policies, and of a tenant's front. */
import type { TenantId } from "../../core/ids.ts";
import type { Database, Tx } from "../platform/database/database.ts";
import type { SignInPolicy } from "./model.ts";
import type { StoredPolicy } from "./sign-in-policy.ts";

export type StoredFront = {
  readonly tenant: TenantId;
  readonly type: string;
  readonly display_name: string;
  readonly state: "active" | "suspended" | "deleted";
  readonly policy: Partial<SignInPolicy> | null;
  readonly brand: {
    readonly display_name: string | null;
    readonly accent_color: string | null;
    readonly has_logo: boolean;
    readonly revision: number;
  } | null;
};

const front = "select tenant_front($1) as front";

export const readFront = async (database: Database, tenant: TenantId): Promise<StoredFront | undefined> =>
  (await database.statement<{ front: StoredFront | null }>("policies.front", front, [tenant]))[0]?.front ?? undefined;

export const readFrontIn = async (tx: Tx, tenant: TenantId): Promise<StoredFront | undefined> =>
  (await tx.query<{ front: StoredFront | null }>("policies.front", front, [tenant]))[0]?.front ?? undefined;

type PolicyRow = {
  readonly document: Partial<SignInPolicy>;
  readonly revision: number;
  readonly create_time: Date;
  readonly update_time: Date;
};

const policyOf = (row: PolicyRow): StoredPolicy => ({
  document: row.document,
  revision: row.revision,
  createTime: row.create_time,
  updateTime: row.update_time,
});

export const findPolicy = async (tx: Tx): Promise<StoredPolicy | undefined> => {
  const sql = "select document, revision, create_time, update_time from sign_in_policies where tenant_id = $1";
  const [row] = await tx.query<PolicyRow>("policies.find", sql, [tx.tenant]);
  return row && policyOf(row);
};

/** Writes the policy if it is still at `revision`, where 0 is one that was never written; undefined where somebody else was faster. */
export const writePolicy = async (
  tx: Tx,
  document: Partial<SignInPolicy>,
  revision: number,
  now: Date,
): Promise<StoredPolicy | undefined> => {
  const values = [tx.tenant, JSON.stringify(document), now];
  const returning = "returning document, revision, create_time, update_time";
  const [row] =
    revision === 0
      ? await tx.query<PolicyRow>(
          "policies.insert",
          `insert into sign_in_policies (tenant_id, document, revision, create_time, update_time)
           values ($1, $2::jsonb, 1, $3, $3) on conflict do nothing ${returning}`,
          values,
        )
      : await tx.query<PolicyRow>(
          "policies.update",
          `update sign_in_policies set document = $2::jsonb, revision = revision + 1, update_time = $3
            where tenant_id = $1 and revision = $4 ${returning}`,
          [...values, revision],
        );
  return row && policyOf(row);
};
