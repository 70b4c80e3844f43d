/** All SQL of brandings. */
import type { TenantId } from "../../../core/ids.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { Branding, Logo, LogoType } from "./model.ts";

type Row = {
  readonly display_name: string | null;
  readonly accent_color: string | null;
  readonly logo_type: LogoType | null;
  readonly revision: number;
  readonly create_time: Date;
  readonly update_time: Date;
};

const columns = "display_name, accent_color, logo_type, revision, create_time, update_time";

const brandingOf = (row: Row): Branding => ({
  displayName: row.display_name,
  accentColor: row.accent_color,
  logoType: row.logo_type,
  revision: row.revision,
  createTime: row.create_time,
  updateTime: row.update_time,
});

export const findBranding = async (tx: Tx): Promise<Branding | undefined> => {
  const [row] = await tx.query<Row>("brandings.find", `select ${columns} from brandings where tenant_id = $1`, [
    tx.tenant,
  ]);
  return row && brandingOf(row);
};

export const findLogo = async (tx: Tx): Promise<Logo | undefined> => {
  const [row] = await tx.query<{ tenant_id: TenantId; logo: Buffer | null; logo_type: LogoType | null }>(
    "brandings.logo",
    "select tenant_id, logo, logo_type from brandings where tenant_id = $1",
    [tx.tenant],
  );
  if (row === undefined || row.logo === null || row.logo_type === null) return undefined;
  return { octets: row.logo, type: row.logo_type };
};

export type BrandingChange = {
  readonly displayName: string | null;
  readonly accentColor: string | null;
  /** Undefined leaves the logo as it is. */
  readonly logo: Logo | null | undefined;
};

/** Writes the branding if it is still at `revision`, where 0 is one that was never written; undefined where somebody else was faster. */
export const writeBranding = async (
  tx: Tx,
  { displayName, accentColor, logo }: BrandingChange,
  revision: number,
  now: Date,
): Promise<Branding | undefined> => {
  const values = [tx.tenant, displayName, accentColor, logo?.octets ?? null, logo?.type ?? null, now];
  const [row] =
    revision === 0
      ? await tx.query<Row>(
          "brandings.insert",
          `insert into brandings (tenant_id, display_name, accent_color, logo, logo_type, revision, create_time, update_time)
           values ($1, $2, $3, $4, $5, 1, $6, $6) on conflict do nothing returning ${columns}`,
          values,
        )
      : await tx.query<Row>(
          "brandings.update",
          `update brandings set display_name = $2, accent_color = $3, logo = case when $8 then logo else $4 end,
                  logo_type = case when $8 then logo_type else $5 end, revision = revision + 1, update_time = $6
            where tenant_id = $1 and revision = $7 returning ${columns}`,
          [...values, revision, logo === undefined],
        );
  return row && brandingOf(row);
};
