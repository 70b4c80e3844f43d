/**
 * One unary call from bytes to bytes: decode, refuse what carries no credentials, hand over to the route, render the answer or the
 * fault. It runs on every request of the hot path, so it allocates once per call what it must and nothing else.
 */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { type handleUnaryCall, Metadata, type sendUnaryData, type ServerUnaryCall, status } from "@grpc/grpc-js";
import { type Fault, fault, isFault, type Result } from "../../../core/faults.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Log } from "../../platform/log.ts";
import { newRequestId } from "../../platform/random.ts";
import type { PeerCertificate } from "./peer-certificate.ts";
import type { GrpcCall, GrpcRoute } from "./routes.ts";
import { deadlineExceeded, type Failure, faultStatus } from "./status.ts";

/** What every call shares. */
export type UnaryContext = {
  readonly log: Log;
  /** The system's clock: grpc-js counts deadlines on it, so one that a test moves does not belong here. */
  readonly clock: Clock;
  /** A reading that only rises, to time calls with. */
  monotonicMs(): number;
  /** The verified certificate of a live connection, by `address:port`. */
  certificateOf(peer: string): PeerCertificate | undefined;
  /** The fault an expected throw stands for, such as an unreachable database; undefined is a bug. */
  faultOf(thrown: unknown): Fault | undefined;
  /** Told of every call that ended: the method's name, the gRPC status number (CANCELLED also for one that ran out of time), how long it took. */
  observe(method: string, code: number, elapsedMs: number): void;
};

/** A request, or why its bytes are none: grpc-js answers INTERNAL when decoding throws, and it is the caller's fault. */
type Incoming = Result<unknown>;

const authorization_characters_max = 16 * 1024;
const loggableId = /^[\w.:/-]{1,128}$/;

export const decodeRequest =
  ({ method, requestBytesMax }: GrpcRoute) =>
  (bytes: Buffer): Incoming => {
    if (bytes.length > requestBytesMax)
      return fault("payload_too_large", `a request may have ${requestBytesMax} bytes, this one has ${bytes.length}`);
    try {
      return method.requestType.decode(bytes);
    } catch {
      return fault("invalid_argument", "the bytes are not the message this method takes");
    }
  };

/**
 * Encodes with one writer for all messages of a route: making a writer costs 3 µs, four times what encoding does. `finish()` copies the
 * bytes out and empties the writer; a throw leaves it half full, so it is replaced.
 */
const encoder = ({ method }: GrpcRoute) => {
  let writer = new BinaryWriter();
  return (message: unknown): Buffer => {
    try {
      const bytes = method.responseType.encode(message, writer).finish();
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    } catch (thrown) {
      writer = new BinaryWriter();
      throw thrown;
    }
  };
};

/** The grpc-js handler for a route. The response is encoded here, so that a message that cannot be encoded is logged as the bug it is. */
export const unaryHandler = (route: GrpcRoute, context: UnaryContext): handleUnaryCall<Incoming, Buffer> => {
  const encode = encoder(route);
  return (raw, callback) => void answer(route, context, encode, raw, callback);
};

const answer = async (
  route: GrpcRoute,
  context: UnaryContext,
  encode: (message: unknown) => Buffer,
  raw: ServerUnaryCall<Incoming, Buffer>,
  callback: sendUnaryData<Buffer>,
): Promise<void> => {
  const startedMs = context.monotonicMs();
  const abort = new AbortController();
  const cancel = () => abort.abort(callEnded);
  raw.once("cancelled", cancel);

  const call = callOf(raw, context, abort.signal);
  const outcome = await outcomeOf(route, context, encode, raw, call);

  raw.off("cancelled", cancel); // grpc-js says `cancelled` after every call, answered ones too
  const answered = Buffer.isBuffer(outcome);
  if (answered) callback(null, outcome, call.trailer);
  else callback(outcome);
  const code = abort.signal.aborted ? status.CANCELLED : answered ? status.OK : outcome.code;
  context.observe(route.method.name, code, context.monotonicMs() - startedMs);
};

/** The encoded response, or the status in its place. Never rejects. */
const outcomeOf = async (
  route: GrpcRoute,
  context: UnaryContext,
  encode: (message: unknown) => Buffer,
  raw: ServerUnaryCall<Incoming, Buffer>,
  call: GrpcCall,
): Promise<Buffer | Failure> => {
  if (call.deadlineMs <= context.clock.now()) return deadlineExceeded;
  try {
    const result = refusal(route, call, raw) ?? (await route.handle(raw.request, call));
    return isFault(result) ? faultStatus(result, call.requestId) : encode(result);
  } catch (thrown) {
    // What gives up because its caller did may throw: nobody is there to be told, and it is no bug.
    if (call.signal.aborted) return abandoned;
    return faultStatus(faultOfThrow(thrown, route, context, call), call.requestId);
  }
};

/** One error for all: making one for each cancelled call would capture a stack nobody reads. */
const callEnded = new DOMException("the caller cancelled the call, or ran out of time", "AbortError");
const abandoned: Failure = { code: status.CANCELLED, details: callEnded.message };

/** A call, and what it has to say behind its answer. */
type AnsweredCall = GrpcCall & { trailer: Metadata | undefined };

const callOf = (raw: ServerUnaryCall<Incoming, Buffer>, context: UnaryContext, signal: AbortSignal): AnsweredCall => {
  const peer = raw.getPeer();
  const requestId = text(raw, "x-request-id");
  const call: AnsweredCall = {
    authorization: text(raw, "authorization"),
    peerCertificate: context.certificateOf(peer),
    deadlineMs: Number(raw.getDeadline()),
    requestId: requestId !== undefined && loggableId.test(requestId) ? requestId : newRequestId(),
    signal,
    remoteAddress: addressOf(peer),
    changed: (consistency) => {
      if (consistency !== undefined) (call.trailer ??= new Metadata()).set("countersign-consistency", consistency);
    },
    trailer: undefined,
  };
  return call;
};

const text = (raw: ServerUnaryCall<Incoming, Buffer>, key: string): string | undefined => {
  const [value] = raw.metadata.get(key);
  return typeof value === "string" ? value : undefined;
};

const mappedIpv4 = "::ffff:";

/** `address:port` without its port, and without the prefix an IPv4 peer gets on a socket that listens on both. */
const addressOf = (peer: string): string => {
  const address = peer.slice(0, peer.lastIndexOf(":"));
  return address.startsWith(mappedIpv4) ? address.slice(mappedIpv4.length) : address;
};

/** What can be refused before the application is asked. */
const refusal = (route: GrpcRoute, call: GrpcCall, raw: ServerUnaryCall<Incoming, Buffer>): Fault | undefined => {
  if (isFault(raw.request)) return raw.request;
  if (call.authorization !== undefined && call.authorization.length > authorization_characters_max)
    return fault("headers_too_large", `\`authorization\` may have ${authorization_characters_max} characters`);
  if ("authenticated" in route.policy && call.authorization === undefined && call.peerCertificate === undefined)
    return fault("unauthenticated", "the call carries neither `authorization` nor a client certificate");
  return undefined;
};

const faultOfThrow = (thrown: unknown, route: GrpcRoute, context: UnaryContext, call: GrpcCall): Fault => {
  const expected = context.faultOf(thrown);
  const about = { err: thrown, method: route.method.name, request_id: call.requestId };
  if (expected !== undefined) {
    context.log.warn(about, "a gRPC call could not be answered");
    return expected;
  }
  context.log.error(about, "a gRPC call failed");
  return fault("internal", "something broke on our side; the request id is in the log");
};
