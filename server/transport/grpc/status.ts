/** How a failure looks on the wire: the fault table's gRPC status, the detail as its message, and the stable code in the trailers. */
import { Metadata, status } from "@grpc/grpc-js";
import { type Fault, faults } from "../../../core/faults.ts";

/** What grpc-js is given in place of an answer. `code` is a gRPC status number. */
export type Failure = { readonly code: number; readonly details: string; readonly metadata?: Metadata };

/** Trailers share the connection's header limits, and a detail may quote what the caller sent. */
const message_characters_max = 1_024;

/** A fault as a gRPC status. Field errors follow the detail, since a status has no other place a plain client would show them. */
export const faultStatus = (fault: Fault, requestId: string): Failure => {
  const fields = (fault.errors ?? []).map(({ path, message }) => `${path}: ${message}`);
  const metadata = new Metadata();
  metadata.set("countersign-code", fault.fault);
  metadata.set("countersign-request-id", requestId);
  if (fault.permission !== undefined) metadata.set("countersign-permission", fault.permission);
  // gRFC A6: clients that retry wait this long.
  if (fault.retryAfterSeconds !== undefined)
    metadata.set("grpc-retry-pushback-ms", String(fault.retryAfterSeconds * 1000));
  return {
    code: faults[fault.fault].grpc,
    details: readable([fault.detail, ...fields].join("; ")),
    metadata,
  };
};

/** grpc-js percent-encodes the message with encodeURI, which throws on half a surrogate pair: a cut may leave one. */
const readable = (message: string): string => message.slice(0, message_characters_max).toWellFormed();

/** The caller has stopped waiting. Not in the fault table: it is the transport's own, and nobody reads the answer. */
export const deadlineExceeded: Failure = {
  code: status.DEADLINE_EXCEEDED,
  details: "the deadline passed before the call was handled",
};
