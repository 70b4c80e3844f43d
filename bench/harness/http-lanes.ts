/**
 * The HTTP/1.1 half of the load generator: a socket a lane, kept alive, one request in flight, none pipelined.
 *
 * It reads of an answer what it must to know that it is whole and good: the status, `Content-Length`, and the bytes. This costs a
 * few microseconds, so that the server is what saturates.
 */
import { once } from "node:events";
import { connect } from "node:net";
import type { Answered, Lane } from "./lanes.ts";

const headEnd = Buffer.from("\r\n\r\n");
const contentLength = /\r\ncontent-length: *(\d+)/i;

type Head = { readonly ok: boolean; readonly start: number; readonly end: number };

/** Where the answer's body starts and ends, or undefined while its head is not whole. */
const readHead = (bytes: Buffer): Head | undefined => {
  const end = bytes.indexOf(headEnd);
  if (end < 0) return undefined;
  const head = bytes.toString("latin1", 0, end);
  const length = contentLength.exec(head)?.[1];
  if (length === undefined) throw new Error(`an answer without content-length:\n${head}`);
  return {
    // "2" of 2xx in `HTTP/1.1 200`; a redirect is an answer too
    ok: head.charCodeAt(9) === 0x32 || head.startsWith("30", 9),
    start: end + 4,
    end: end + 4 + Number(length),
  };
};

/** One connection. Rejects when it cannot be opened; a connection that breaks later is a failed answer. */
const openHttpLane = async (port: number, lane: number, whole: boolean, answered: Answered): Promise<Lane> => {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  let pending: Buffer | undefined;
  let closing = false;
  socket.on("data", (chunk: Buffer) => {
    const bytes = pending === undefined ? chunk : Buffer.concat([pending, chunk]);
    const head = readHead(bytes);
    if (head === undefined || bytes.length < head.end) {
      pending = bytes;
      return;
    }
    pending = undefined;
    answered(lane, head.ok, bytes.subarray(head.ok && !whole ? head.start : 0, head.end));
  });
  const broken = (reason: string) => () => closing || answered(lane, false, Buffer.from(reason));
  socket.on("error", broken("the connection broke"));
  socket.on("end", broken("the server closed the connection"));
  return {
    send: (request) => socket.write(request),
    close: () => {
      closing = true;
      socket.destroy();
    },
  };
};

/** `whole`: answers are given with their heads. */
export const openHttpLanes = (
  port: number,
  count: number,
  answered: Answered,
  whole = false,
): Promise<readonly Lane[]> =>
  Promise.all(Array.from({ length: count }, (_, lane) => openHttpLane(port, lane, whole, answered)));

export type HttpRequest = {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
};

/** The bytes of a POST of form fields, with the headers a plain client sends. */
export const encodePost = ({ path, headers = {}, body }: HttpRequest): Buffer => {
  const all = {
    host: "localhost",
    accept: "application/json",
    "content-type": "application/x-www-form-urlencoded",
    "content-length": String(Buffer.byteLength(body)),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`);
};
