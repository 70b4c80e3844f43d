/**
 * The gRPC half of the load generator: HTTP/2 frames written and read by hand, several unary calls in flight on each of a few
 * connections, at about a fifth of what a client library costs.
 *
 * As a library's would, a connection's first call puts its headers into the HPACK table and every later call names them by index
 * (RFC 7541 §6.1, §6.2.1). An answer is good when a message came: a gRPC server sends none beside a status other than OK.
 */
import { once } from "node:events";
import { type Socket, connect } from "node:net";
import type { Answered, Lane } from "./lanes.ts";

/** RFC 9113 §6. */
const frame = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, windowUpdate: 8 } as const;
const flag = { endStream: 1, ack: 1, endHeaders: 4 } as const;
const frameHeaderBytes = 9;

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

const encodeFrame = (type: number, flags: number, stream: number, payload: Uint8Array): Buffer => {
  const bytes = Buffer.allocUnsafe(frameHeaderBytes + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes.writeUInt8(type, 3);
  bytes.writeUInt8(flags, 4);
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, frameHeaderBytes);
  return bytes;
};

/** All the window there is, so that answers are never held back: 2^31 − 1 less what a connection begins with (RFC 9113 §6.9.2). */
const windowIncrement = Buffer.from([0x7f, 0xff, 0x00, 0x00]);

/** A string of HPACK, not Huffman-coded (RFC 7541 §5.2). */
const hpackString = (text: string): Buffer => {
  const bytes = Buffer.from(text);
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
};

type HeaderBlocks = { readonly first: Buffer; readonly later: Buffer };

/** `:method: POST` and `:scheme: http` are in the static table; the rest is literal once, and indexed from then on, newest at 62. */
const headerBlocks = (path: string, metadata: Readonly<Record<string, string>>): HeaderBlocks => {
  const fields = Object.entries({
    ":path": path,
    ":authority": "localhost",
    "content-type": "application/grpc",
    te: "trailers",
    ...metadata,
  });
  const fixed = Buffer.from([0x83, 0x86]);
  const literals = fields.flatMap(([name, value]) => [Buffer.from([0x40]), hpackString(name), hpackString(value)]);
  const indexed = fields.map((_, at) => 0x80 | (62 + fields.length - 1 - at));
  return { first: Buffer.concat([fixed, ...literals]), later: Buffer.concat([fixed, Buffer.from(indexed)]) };
};

/** Calls every whole frame in `bytes`, and returns what is left. */
const readFrames = (
  bytes: Buffer,
  each: (type: number, flags: number, stream: number, payload: Buffer) => void,
): Buffer | undefined => {
  let at = 0;
  while (bytes.length - at >= frameHeaderBytes) {
    const end = at + frameHeaderBytes + bytes.readUIntBE(at, 3);
    if (bytes.length < end) break;
    each(
      bytes[at + 3] ?? 0,
      bytes[at + 4] ?? 0,
      bytes.readUInt32BE(at + 5) & 0x7fffffff,
      bytes.subarray(at + frameHeaderBytes, end),
    );
    at = end;
  }
  return at === bytes.length ? undefined : bytes.subarray(at);
};

type Call = { readonly lane: number; body: Buffer | undefined };

/** What came on the connection, and whom it concerns. */
const receive = (socket: Socket, calls: Map<number, Call>, answered: Answered) => {
  const finish = (stream: number, call: Call, ok: boolean, body: Buffer): void => {
    calls.delete(stream);
    answered(call.lane, ok, body);
  };
  return (type: number, flags: number, stream: number, payload: Buffer): void => {
    if (type === frame.settings && (flags & flag.ack) === 0)
      socket.write(encodeFrame(frame.settings, flag.ack, 0, Buffer.alloc(0)));
    if (type === frame.ping && (flags & flag.ack) === 0) socket.write(encodeFrame(frame.ping, flag.ack, 0, payload));
    if (type === frame.goaway)
      for (const [id, call] of calls) finish(id, call, false, Buffer.from("the server said GOAWAY"));
    const call = calls.get(stream);
    if (call === undefined) return;
    if (type === frame.reset)
      return finish(stream, call, false, Buffer.from(`the call was reset (${payload.readUInt32BE(0)})`));
    if (type === frame.data && payload.length > 0)
      call.body = call.body === undefined ? payload : Buffer.concat([call.body, payload]);
    if ((flags & flag.endStream) === 0 || (type !== frame.data && type !== frame.headers)) return;
    const good = call.body !== undefined && call.body.length >= messagePrefixBytes;
    finish(
      stream,
      call,
      good,
      good && call.body !== undefined ? call.body.subarray(messagePrefixBytes) : Buffer.from("no message came"),
    );
  };
};

const messagePrefixBytes = 5;

/** A unary call's message with its length before it (gRPC over HTTP/2, Length-Prefixed-Message). */
export const encodeMessage = (message: Uint8Array): Buffer => {
  const bytes = Buffer.alloc(messagePrefixBytes + message.length);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, messagePrefixBytes);
  return bytes;
};

export type GrpcMethod = { readonly path: string; readonly metadata: Readonly<Record<string, string>> };

const openConnection = async (
  port: number,
  method: GrpcMethod,
  lanes: readonly number[],
  answered: Answered,
): Promise<readonly Lane[]> => {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  const blocks = headerBlocks(method.path, method.metadata);
  const calls = new Map<number, Call>();
  const onFrame = receive(socket, calls, answered);
  let pending: Buffer | undefined;
  let next = 1;
  let closing = false;
  socket.on("data", (chunk: Buffer) => {
    pending = readFrames(pending === undefined ? chunk : Buffer.concat([pending, chunk]), onFrame);
  });
  const broken = () => closing || lanes.forEach((lane) => answered(lane, false, Buffer.from("the connection broke")));
  socket.on("error", broken);
  socket.on("end", broken);
  socket.write(
    Buffer.concat([
      preface,
      encodeFrame(frame.settings, 0, 0, Buffer.alloc(0)),
      encodeFrame(frame.windowUpdate, 0, 0, windowIncrement),
    ]),
  );
  return lanes.map((lane) => ({
    send: (message) => {
      const stream = next;
      next += 2;
      calls.set(stream, { lane, body: undefined });
      const headers = encodeFrame(frame.headers, flag.endHeaders, stream, stream === 1 ? blocks.first : blocks.later);
      socket.write(Buffer.concat([headers, encodeFrame(frame.data, flag.endStream, stream, message)]));
    },
    close: () => {
      closing = true;
      socket.destroy();
    },
  }));
};

/** `count` calls in flight, spread over `connections`. */
export const openGrpcLanes = async (
  port: number,
  method: GrpcMethod,
  count: number,
  connections: number,
  answered: Answered,
): Promise<readonly Lane[]> => {
  const numbers = Array.from({ length: count }, (_, lane) => lane);
  const each = Math.ceil(count / connections);
  const groups = Array.from({ length: connections }, (_, group) => numbers.slice(group * each, (group + 1) * each));
  return (await Promise.all(groups.map((lanes) => openConnection(port, method, lanes, answered)))).flat();
};
