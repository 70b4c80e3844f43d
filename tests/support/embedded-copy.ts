/**
 * The embedded database as it is after its migrations: making it takes most of a first start, so it is made once and copied. Tests of the
 * first start itself do without.
 */
import { createHash } from "node:crypto";
import { cpSync, globSync, readFileSync } from "node:fs";
import { access, mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const kept = join(root, "node_modules", ".cache");
const prefix = "embedded-database-";
/** Nobody copies from one any more that has another name, and is this old. */
const forgottenAfterMs = 3_600_000;

/** Puts the database where an embedded one will look for its own. The folder must not be there yet. */
export const copyEmbedded = async (directory: string): Promise<void> => {
  const place = join(kept, `${prefix}${digest()}`);
  if (!(await exists(place))) await make(place);
  cpSync(place, directory, { recursive: true });
};

/** Of everything it follows from: with another migration it is another folder. */
const digest = (): string => {
  const sources = [
    "migrations/*.sql",
    "server/platform/database/*.ts",
    "node_modules/@electric-sql/pglite/package.json",
  ];
  const hash = createHash("sha256");
  for (const file of sources.flatMap((pattern) => globSync(pattern, { cwd: root })).toSorted())
    hash.update(`${file}\n`).update(readFileSync(join(root, file)));
  return hash.digest("hex").slice(0, 16);
};

/** Beside its place, and then renamed. Whoever is second finds the place taken by one that is as good. */
const make = async (place: string): Promise<void> => {
  // Loaded by the few who have to make it.
  const { openEmbedded } = await import("../../server/platform/database/embedded.ts");
  await mkdir(kept, { recursive: true });
  await forget();
  const draft = await mkdtemp(`${place}-`);
  const hooks = { fence: async () => undefined, publish: async () => undefined };
  const database = await openEmbedded({ directory: draft, migrations: join(root, "migrations"), hooks });
  await database.close();
  await rename(draft, place).catch(() => rm(draft, { recursive: true, force: true }));
};

const forget = async (): Promise<void> => {
  for (const name of (await readdir(kept)).filter((one) => one.startsWith(prefix))) {
    const path = join(kept, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > forgottenAfterMs)
      await rm(path, { recursive: true, force: true });
  }
};

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
