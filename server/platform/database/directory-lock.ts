/**
 * One process at a time over a data directory. The embedded database takes no lock of its own, and two of them over the
 * same files destroy them.
 *
 * The lock file says who holds it: host, process id, and when that process started, since ids are used again. On our
 * own host we look whether that process lives; on another (a shared volume, a container that was replaced) whether its
 * file is still being touched.
 */
import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rename, stat, unlink, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";

export type DirectoryLock = { release(): Promise<void> };

type Holder = { readonly pid: number; readonly started: string; readonly host: string };

const lockName = "countersign.lock";
/** A holder elsewhere that has not touched its file in this long is gone. */
const silenceMaxMsDefault = 6_000;
const touchesPerSilence = 6;
const takeoversMax = 5;

/**
 * Takes the directory, which is made if missing. Throws an Error that names the other process and what to do where one
 * has it.
 */
export const lockDirectory = async (directory: string, silenceMaxMs = silenceMaxMsDefault): Promise<DirectoryLock> => {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, lockName);
  const ours: Holder = { pid: process.pid, started: await startOf(process.pid), host: hostname() };
  const text = `${JSON.stringify(ours)}\n`;
  for (let takeover = 0; !(await create(path, text)); takeover += 1) {
    const found = await read(path);
    if (found === undefined) continue;
    const holder = parse(found);
    if (takeover === takeoversMax || (holder !== undefined && (await lives(holder, path, silenceMaxMs)))) {
      throw new Error(
        `another countersign (pid ${holder?.pid ?? "unknown"}${holder?.host === ours.host ? "" : ` on ${holder?.host}`}) uses ${directory}; stop it, or set COUNTERSIGN_DATA_DIR to another folder`,
      );
    }
    await remove(path, found);
  }
  const touching = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, silenceMaxMs / touchesPerSilence);
  touching.unref();
  return {
    release: async () => {
      clearInterval(touching);
      await remove(path, text);
    },
  };
};

/** Creates the file with its text in one step, or finds it there: a link is made whole or not at all. */
const create = async (path: string, text: string): Promise<boolean> => {
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  await writeFile(draft, text, { mode: 0o600 });
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  } finally {
    await unlink(draft);
  }
};

/** Removes the file if it still says what was read in it; another's, made meanwhile, is put back. */
const remove = async (path: string, text: string): Promise<void> => {
  const aside = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  if ((await read(aside)) !== text) await link(aside, path).catch(() => undefined);
  await unlink(aside);
};

const read = (path: string): Promise<string | undefined> =>
  readFile(path, "utf8").catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  });

const parse = (text: string): Holder | undefined => {
  try {
    const { pid, started, host } = JSON.parse(text) as Partial<Record<keyof Holder, unknown>>;
    return typeof pid === "number" && typeof started === "string" && typeof host === "string"
      ? { pid, started, host }
      : undefined;
  } catch {
    return undefined;
  }
};

const lives = async (holder: Holder, path: string, silenceMaxMs: number): Promise<boolean> => {
  if (holder.host !== hostname()) return isTouched(path, silenceMaxMs);
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it lives, and belongs to someone else.
    if (codeOf(error) !== "EPERM") return false;
  }
  const started = await startOf(holder.pid);
  return started === "" || holder.started === "" || started === holder.started;
};

const isTouched = async (path: string, silenceMaxMs: number): Promise<boolean> => {
  const touched = async (): Promise<number> => (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
  const before = await touched();
  await after(silenceMaxMs);
  return (await touched()) !== before;
};

/**
 * The boot, and the tick of it, at which a process started; empty where the system does not tell (anything but Linux).
 */
const startOf = async (pid: number): Promise<string> => {
  try {
    const boot = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
    const status = await readFile(`/proc/${pid}/stat`, "utf8");
    // proc(5): field 22 is the start time; field 2, the name in parentheses, may hold spaces.
    const ticks = status.slice(status.lastIndexOf(")") + 2).split(" ")[19] ?? "";
    return `${boot}:${ticks}`;
  } catch {
    return "";
  }
};

const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
