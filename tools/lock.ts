// The lock has to name the packages of every platform, not only of the one it was made on. npm leaves out those that its
// registry would not give it, and `npm ci` then refuses the lock, or installs nothing where they are needed.
// `node tools/lock.ts` finds them; with `--write` it adds them, their platforms read from their names.
import { readFileSync, writeFileSync } from "node:fs";

type Entry = {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
};
type Lock = { readonly packages: Readonly<Record<string, Entry>> };

const main = (args: readonly string[]): number => {
  const lock: Lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
  const missing = Object.entries(lock.packages).flatMap(([path, entry]) =>
    Object.entries(entry.optionalDependencies ?? {})
      .filter(([name]) => !isLocked(lock, path, name))
      .map(([name, range]) => ({ name, range, dev: entry.dev === true })),
  );
  if (missing.length === 0) return say(0, "the lock names the packages of every platform");
  if (!args.includes("--write")) {
    const names = missing.map(({ name }) => name).join(", ");
    return say(1, `package-lock.json lacks ${names}\nrun \`node tools/lock.ts --write\` to add them`);
  }
  const unclear = missing.filter(({ name, range }) => !/^\d[\w.+-]*$/.test(range) || !isPlatform(platformOf(name)));
  if (unclear.length > 0) {
    return say(1, `cannot tell the version or the platform of ${unclear.map(({ name }) => name).join(", ")}`);
  }
  const added = missing.map(({ name, range, dev }): [string, Entry & Platform] => [
    `node_modules/${name}`,
    { version: range, ...platformOf(name), ...(dev ? { dev } : {}), optional: true },
  ]);
  const packages = Object.fromEntries(
    [...Object.entries(lock.packages), ...added].toSorted(([one], [other]) => (one < other ? -1 : 1)),
  );
  writeFileSync("package-lock.json", `${JSON.stringify({ ...lock, packages }, null, 2)}\n`);
  return say(0, `added ${missing.length} packages to package-lock.json`);
};

const isLocked = (lock: Lock, path: string, name: string): boolean =>
  [`${path === "" ? "" : `${path}/`}node_modules/${name}`, `node_modules/${name}`].some((at) => at in lock.packages);

type Platform = { readonly os: readonly string[]; readonly cpu: readonly string[]; readonly libc?: readonly string[] };

/** What the parts of a package's name say of its platform, as npm's lock has it. */
const systems: Readonly<Record<string, string>> = { win: "win32", windows: "win32" };
const processors: Readonly<Record<string, string>> = { aarch64: "arm64", armv7: "arm" };
const libraries: Readonly<Record<string, string>> = {
  gnu: "glibc",
  gnueabihf: "glibc",
  musl: "musl",
  musleabihf: "musl",
};
const systemNames: readonly string[] = ["android", "darwin", "freebsd", "linux", "openharmony", "win32"];
const processorNames: readonly string[] = ["arm", "arm64", "ia32", "ppc64", "riscv64", "s390x", "x64"];

const platformOf = (name: string): Platform => {
  const parts = name.split(/[-/@]/);
  const libc = parts.flatMap((part) => libraries[part] ?? []);
  return {
    os: parts.map((part) => systems[part] ?? part).filter((part) => systemNames.includes(part)),
    cpu: parts.map((part) => processors[part] ?? part).filter((part) => processorNames.includes(part)),
    ...(libc.length > 0 ? { libc } : {}),
  };
};

const isPlatform = ({ os, cpu }: Platform): boolean => os.length === 1 && cpu.length === 1;

const say = (exitCode: number, message: string): number => {
  console.log(message);
  return exitCode;
};

process.exitCode = main(process.argv.slice(2));
