/**
 * The thread PGlite lives in: on the main one it would keep every timer and socket waiting while it works.
 *
 * What comes in and goes out is PostgreSQL's wire protocol, whole messages at a time, in order. There is one backend,
 * so one session at a time: opening one ends whatever the last left behind.
 */
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { PGlite } from "@electric-sql/pglite";

/** To the worker. Bytes are for the session named; bytes for an earlier one are not executed. */
export type Inward =
  | { readonly open: number; readonly role: string | undefined }
  | { readonly session: number; readonly bytes: Uint8Array }
  | { readonly close: true };

/** From the worker. */
export type Outward =
  | { readonly ready: true }
  | { readonly session: number; readonly bytes: Uint8Array }
  | { readonly closed: true };

/**
 * A first start copies a new cluster into place file by file. Until it is done this marker stands beside it, and what
 * was copied is worth nothing: nobody has written to it yet.
 */
const openCluster = async (directory: string): Promise<PGlite> => {
  const cluster = join(directory, "postgres");
  const unfinished = join(directory, "postgres.unfinished");
  if (existsSync(unfinished)) await rm(cluster, { recursive: true, force: true });
  const isNew = !existsSync(cluster);
  if (isNew) await writeFile(unfinished, "");
  await mkdir(cluster, { recursive: true, mode: 0o700 });
  const database = await PGlite.create({
    dataDir: cluster,
    relaxedDurability: false,
    startParams: [
      // fsync reaches nothing through WebAssembly's file system; what is written survives this process, not the
      // machine.
      ...PGlite.defaultStartParams,
      "-c",
      "TimeZone=UTC",
      // Checkpoints come with the log's size here, and there is no one else to make them.
      "-c",
      "max_wal_size=64MB",
      "-c",
      "min_wal_size=32MB",
    ],
  });
  if (isNew) await rm(unfinished);
  return database;
};

const port = parentPort;
if (port === null) throw new Error("the embedded database runs in a worker thread");
const send = (message: Outward, transfer: readonly ArrayBuffer[] = []): void =>
  port.postMessage(message, [...transfer]);

const database = await openCluster((workerData as { readonly directory: string }).directory);
const current = { session: 0 };

const open = async (session: number, role: string | undefined): Promise<void> => {
  current.session = session;
  if (database.isInTransaction()) await database.exec("rollback");
  await database.exec("discard all");
  if (role !== undefined) await database.exec(`set role ${role}`);
};

const execute = async (bytes: Uint8Array): Promise<void> => {
  const chunks: Uint8Array[] = [];
  // The stream form parses nothing on the way; the other one would also keep every result.
  await database.execProtocolRawStream(bytes, { onRawData: (chunk) => void chunks.push(chunk.slice()) });
  const answer = joined(chunks);
  send({ session: current.session, bytes: answer }, [answer.buffer]);
};

const joined = (chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const whole = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.length, 0));
  chunks.reduce((offset, chunk) => {
    whole.set(chunk, offset);
    return offset + chunk.length;
  }, 0);
  return whole;
};

const handle = async (message: Inward): Promise<void> => {
  if ("open" in message) return open(message.open, message.role);
  if ("close" in message) {
    await database.close();
    send({ closed: true });
    port.close();
    return;
  }
  if (message.session === current.session) await execute(message.bytes);
};

/** One after the other, in the order they came; a failure here is nobody's statement, and ends the thread. */
const line = { last: Promise.resolve() };
port.on("message", (message: Inward) => {
  line.last = line.last.then(() => handle(message));
});
send({ ready: true });
