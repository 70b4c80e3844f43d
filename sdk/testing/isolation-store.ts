/** What PostgreSQL says about the fences between tenants: the role that asks, and the tables and views it can ask. */
import type { Client } from "../postgres/tenant-store.ts";

export type RoleSays = { readonly name: string; readonly superuser: boolean; readonly bypassrls: boolean };

export const readRole = async (client: Client): Promise<RoleSays> => {
  const { rows } = await client.query(
    "select rolname as name, rolsuper as superuser, rolbypassrls as bypassrls from pg_catalog.pg_roles where rolname = current_user",
  );
  const [row] = rows as readonly RoleSays[];
  if (row === undefined) throw new Error("the role that asks is not in pg_roles");
  return row;
};

export type RelationSays = {
  readonly name: string;
  /** `table`, `view` or `materialized view`. */
  readonly kind: string;
  /** Whether the role that asks owns it, or is a member of the role that does. */
  readonly owned: boolean;
  readonly enabled: boolean;
  readonly forced: boolean;
  /** Of a view: whether it is read with the rights of who asks. */
  readonly invoker: boolean;
};

/** Everything outside PostgreSQL's own schemas that has the tenant's column. */
export const readRelations = async (client: Client, tenantColumn: string): Promise<readonly RelationSays[]> => {
  const { rows } = await client.query(
    `select n.nspname || '.' || c.relname as name,
            case c.relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end as kind,
            pg_catalog.pg_has_role(current_user, c.relowner, 'MEMBER') as owned,
            c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
            coalesce(c.reloptions::text ~* 'security_invoker=(true|on|1|yes)', false) as invoker
       from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = $1 and not a.attisdropped
      where c.relkind in ('r', 'p', 'f', 'v', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      order by 1`,
    [tenantColumn],
  );
  return rows as readonly RelationSays[];
};
