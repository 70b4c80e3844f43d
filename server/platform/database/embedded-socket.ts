/**
 * A socket that leads to the worker instead of the network, so that `pg` speaks to PGlite as it speaks to PostgreSQL,
 * types, errors and all.
 */
import { Duplex } from "node:stream";

/** What a socket leads to. */
export type Line = {
  send(bytes: Uint8Array<ArrayBuffer>): void;
  /** Calls back with what comes, until `hangUp`; without bytes once nothing more will. */
  listen(hear: (bytes: Uint8Array | undefined) => void): void;
  hangUp(): void;
};

/** `Terminate` would end the one backend there is, for good. */
const isGoodbye = (message: Uint8Array): boolean => message[0] === 0x58 && message.length === 5;

export const openSocket = (dial: () => Line): Duplex => {
  const state: { line: Line | undefined } = { line: undefined };
  const write = (written: readonly Uint8Array[], done: (error?: Error) => void): void => {
    const chunks = written.filter((chunk) => !isGoodbye(chunk));
    // `pg` writes whole messages, and corks those that belong together: the worker must never see half of one.
    const bytes = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.length, 0));
    chunks.reduce((offset, chunk) => {
      bytes.set(chunk, offset);
      return offset + chunk.length;
    }, 0);
    if (bytes.length > 0) state.line?.send(bytes);
    done();
  };
  const duplex = new Duplex({
    read: () => undefined,
    write: (chunk: Uint8Array, _encoding, done) => write([chunk], done),
    writev: (chunks, done) =>
      write(
        chunks.map(({ chunk }) => chunk as Uint8Array),
        done,
      ),
    final: (done) => {
      duplex.push(null);
      done();
    },
    destroy: (error, done) => {
      state.line?.hangUp();
      done(error);
    },
  });
  const connect = (): void => {
    const line = dial();
    state.line = line;
    line.listen((bytes) => {
      if (bytes === undefined) duplex.destroy(new Error("Connection terminated: the embedded database has stopped"));
      else duplex.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    });
    queueMicrotask(() => duplex.emit("connect"));
  };
  const nothing = (): void => undefined;
  return Object.assign(duplex, { connect, setNoDelay: nothing, setKeepAlive: nothing, ref: nothing, unref: nothing });
};
