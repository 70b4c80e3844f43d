/**
 * A proof that a repository cannot read or write across tenants, on a real PostgreSQL.
 *
 *     test("files stay in their tenant", () => provesIsolation({ pool, write: files.create, read: files.find }));
 *
 * Two things are looked at. What PostgreSQL says: the role must be one that row-level security holds for, and each table with a tenant's column
 * must force it. And what the repository does: with a row of each of two tenants there, neither may see or make the other's, and without a
 * tenant nobody sees anything.
 */
import { randomUUID } from "node:crypto";
import { defaultSetting } from "../postgres.ts";
import { inTransaction, type Pool, type PooledClient } from "../postgres/tenant-store.ts";
import { readRelations, readRole } from "./isolation-store.ts";

export type IsolationOptions<Pooled extends PooledClient> = {
  /** Of the role the service runs as, not of the owner of its tables. */
  readonly pool: Pool<Pooled>;
  /** Writes a row of the tenant it is told, and answers with what tells it from all others, such as its id. */
  readonly write: (client: Pooled, tenantId: string) => Promise<string>;
  /** The repository's function: finds what `write` has named, or lists everything there is. */
  readonly read: (client: Pooled, id: string) => Promise<unknown>;
  /** Two tenants' UUIDs, where foreign keys want them to be there; any two otherwise. */
  readonly tenants?: readonly [string, string];
  /** `tenant_id` unless said. */
  readonly tenantColumn?: string;
  /** As for `transaction`; `app.tenant_id` unless said. */
  readonly setting?: string;
};

/** Everything that is wrong, at once. */
export class NotIsolated extends Error {
  override readonly name = "NotIsolated";
  readonly findings: readonly string[];

  constructor(findings: readonly string[]) {
    super([`tenants are not kept apart:`, ...findings.map((one) => `  ${one}`)].join("\n"));
    this.findings = findings;
  }
}

/** Resolves where the proof holds. @throws NotIsolated naming everything that is wrong. */
export const provesIsolation = async <Pooled extends PooledClient>(
  options: IsolationOptions<Pooled>,
): Promise<void> => {
  const findings = [...(await whatPostgresSays(options)), ...(await whatTheRepositoryDoes(options))];
  if (findings.length > 0) throw new NotIsolated(findings);
};

const whatPostgresSays = async <Pooled extends PooledClient>({
  pool,
  tenantColumn = "tenant_id",
}: IsolationOptions<Pooled>): Promise<readonly string[]> => {
  const { role, relations } = await inTransaction(pool, null, async (client) => ({
    role: await readRole(client),
    relations: await readRelations(client, tenantColumn),
  }));
  return [
    ...(role.superuser ? [`role ${role.name} is a superuser, for whom no policy holds`] : []),
    ...(role.bypassrls ? [`role ${role.name} has BYPASSRLS, so no policy holds for it`] : []),
    ...(relations.length === 0 ? [`no table has a column \`${tenantColumn}\`, so nothing was proven`] : []),
    ...relations.flatMap(({ name, kind, owned, enabled, forced, invoker }) => [
      ...(owned && !role.superuser ? [`role ${role.name} owns ${name}, and can take its policies away`] : []),
      ...(kind === "table" && !enabled ? [`${name} has no row-level security`] : []),
      ...(kind === "table" && enabled && !forced ? [`${name} does not force row-level security on its owner`] : []),
      ...(kind === "view" && !invoker
        ? [`view ${name} is read with its owner's rights: make it \`security_invoker\``]
        : []),
      ...(kind === "materialized view"
        ? [`materialized view ${name} holds all tenants' rows, and has no policies`]
        : []),
    ]),
  ];
};

const whatTheRepositoryDoes = async <Pooled extends PooledClient>(
  options: IsolationOptions<Pooled>,
): Promise<readonly string[]> => {
  const { pool, read, write, setting: name = defaultSetting } = options;
  const [a, b] = options.tenants ?? [randomUUID(), randomUUID()];
  const under = <T>(tenant: string | null, work: (client: Pooled) => Promise<T>): Promise<T> =>
    inTransaction(pool, tenant === null ? null : { name, value: tenant }, work);
  const isSeen = async (tenant: string | null, id: string): Promise<boolean> =>
    JSON.stringify((await under(tenant, (client) => read(client, id))) ?? null).includes(id);
  const refusedOr = (seen: Promise<boolean>): Promise<boolean> => seen.catch(() => false);

  const ofA = await under(a, (client) => write(client, a));
  const ofB = await under(b, (client) => write(client, b));
  if (ofA === "" || ofB === "" || ofA === ofB) return ["`write` has to name what it wrote, and differently each time"];
  const findings: string[] = [];
  for (const [tenant, own, other] of [
    [a, ofA, ofB],
    [b, ofB, ofA],
  ] as const) {
    // Without this, a repository that finds nothing at all would pass.
    if (!(await isSeen(tenant, own))) findings.push("`read` does not find a tenant's own row, so nothing was proven");
    if (await refusedOr(isSeen(tenant, other))) findings.push("`read` finds another tenant's row");
  }
  for (const id of [ofA, ofB])
    if (await refusedOr(isSeen(null, id))) findings.push("`read` finds a row where no tenant is set");
  const planted = await under(a, (client) => write(client, b)).catch(() => undefined);
  if (planted !== undefined && (await refusedOr(isSeen(b, planted))))
    findings.push("`write` makes a row of another tenant");
  const unowned = await under(null, (client) => write(client, a)).catch(() => undefined);
  if (unowned !== undefined && (await refusedOr(isSeen(a, unowned))))
    findings.push("`write` makes a row where no tenant is set");
  return [...new Set(findings)];
};
