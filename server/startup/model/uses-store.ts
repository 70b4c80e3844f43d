/**
 * The SQL that finds whom a change of the model concerns, in every tenant. It runs above all tenants, which lets it see their roots and no
 * more; `model_uses` (migrations) then looks into one tenant after another, each under its own fence.
 */
import { hostTenant, type TenantId } from "../../../core/ids.ts";
import type { ConcernKind, Concern } from "../../../core/model/change.ts";
import type { Use, UseOf } from "../../../core/model/impact.ts";
import type { Tx } from "../../platform/database/database.ts";

/** So many tenants are looked into by one statement, which has seconds and not minutes. */
const tenants_at_once = 100;

type Root = { readonly id: TenantId; readonly type: string };

/** A use as it is stored: the tenant and the nodes by id and type. */
export type StoredUse = Omit<Use, "tenant"> & { readonly tenant: Root };

/** Everything stored under the names, tenant by tenant, with `refsMax` refs at most for each name. */
export const readUses = async (
  tx: Tx,
  asked: Required<Concern>,
  now: Date,
  refsMax: number,
): Promise<readonly StoredUse[]> => {
  const uses: StoredUse[] = [];
  if (Object.values(asked).every((names) => names.length === 0)) return uses;
  let after: TenantId | null = null;
  for (;;) {
    const roots: readonly Root[] = await rootsAfter(tx, after);
    const last = roots.at(-1);
    if (last === undefined) return uses;
    uses.push(...(await usesIn(tx, roots, asked, now, refsMax)));
    after = last.id;
  }
};

const rootsAfter = (tx: Tx, after: TenantId | null): Promise<readonly Root[]> =>
  tx.query<Root>(
    "startup.tenants",
    `select id, type from nodes where parent_id is null and ($1::uuid is null or id > $1::uuid) order by id limit ${tenants_at_once}`,
    [after],
  );

type Row = {
  tenant_id: TenantId;
  kind: ConcernKind;
  name: string;
  used_by: UseOf;
  uses: number;
  refs: readonly string[];
};

const usesIn = async (
  tx: Tx,
  roots: readonly Root[],
  asked: Required<Concern>,
  now: Date,
  refsMax: number,
): Promise<readonly StoredUse[]> => {
  const byId = new Map(roots.map((root) => [root.id, root]));
  const rows = await tx.query<Row>(
    "startup.model_uses",
    "select tenant_id, kind, name, used_by, uses, refs from model_uses($1, $2::uuid[], $3::jsonb, $4, $5)",
    [hostTenant, [...byId.keys()], JSON.stringify(asked), now, refsMax],
  );
  return rows.flatMap(({ tenant_id, kind, name, used_by, uses, refs }) => {
    const tenant = byId.get(tenant_id);
    return tenant === undefined ? [] : [{ tenant, kind, name, of: used_by, count: uses, refs }];
  });
};
