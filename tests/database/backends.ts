/** Both backends over one small schema, so that what is promised of one is tested of the other. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TenantId } from "../../core/ids.ts";
import type { Database } from "../../server/platform/database/database.ts";
import { openEmbedded } from "../../server/platform/database/embedded.ts";
import { migratePostgres, openPostgres } from "../../server/platform/database/postgres.ts";
import type { CommitHooks } from "../../server/platform/database/transactions.ts";
import { freshDatabase } from "../support/postgres.ts";

export const alpha = "aaaaaaaa-0000-4000-8000-000000000001" as TenantId;
export const beta = "bbbbbbbb-0000-4000-8000-000000000002" as TenantId;

/** One tenant-owned table under row-level security, as every one of Countersign's is. */
export const schema = `
create table notes (
  tenant_id uuid not null,
  id integer not null,
  body text not null,
  primary key (tenant_id, id)
);
alter table notes enable row level security;
alter table notes force row level security;
create policy own on notes
  using (tenant_id = nullif(current_setting('countersign.tenant', true), '')::uuid
         or current_setting('countersign.scope', true) = 'host')
  with check (tenant_id = nullif(current_setting('countersign.tenant', true), '')::uuid
              or current_setting('countersign.scope', true) = 'host');
grant select, insert, update, delete on notes to countersign_app;
`;

export type NoteTables = { notes: { tenant_id: string; id: number; body: string } };

export const quietHooks: CommitHooks = { fence: async () => undefined, publish: async () => undefined };

/** A folder under the system's temporary one, gone after `remove`. */
export const temporaryFolder = async (): Promise<{ readonly path: string; remove(): Promise<void> }> => {
  const path = await mkdtemp(join(tmpdir(), "countersign-test-"));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
};

export const migrationsFolder = async (
  files: Readonly<Record<string, string>> = { "0001_notes.sql": schema },
): Promise<{ readonly path: string; remove(): Promise<void> }> => {
  const folder = await temporaryFolder();
  await Promise.all(Object.entries(files).map(([name, sql]) => writeFile(join(folder.path, name), sql)));
  return folder;
};

export type Opened = { readonly database: Database; close(): Promise<void> };
export type OpenBackend = (hooks?: CommitHooks) => Promise<Opened>;

export const onPostgres: OpenBackend = async (hooks = quietHooks) => {
  const [{ url, drop }, migrations] = await Promise.all([freshDatabase(), migrationsFolder()]);
  await migratePostgres(url, migrations.path);
  const database = await openPostgres({ url, poolSize: 4, hooks, statementTimeoutMs: 5_000 });
  const close = async (): Promise<void> => {
    await database.close();
    await Promise.all([drop(), migrations.remove()]);
  };
  return { database, close };
};

const onEmbedded: OpenBackend = async (hooks = quietHooks) => {
  const [data, migrations] = await Promise.all([temporaryFolder(), migrationsFolder()]);
  const database = await openEmbedded({ directory: data.path, migrations: migrations.path, hooks });
  const close = async (): Promise<void> => {
    await database.close();
    await Promise.all([data.remove(), migrations.remove()]);
  };
  return { database, close };
};

export const backends: readonly { readonly name: string; readonly open: OpenBackend }[] = [
  { name: "PostgreSQL", open: onPostgres },
  { name: "the embedded database", open: onEmbedded },
];
