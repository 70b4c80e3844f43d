/** Requests that broke before any route saw them: answered on the bare socket, in the same form as everything else. */
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { type Fault, fault } from "../../../core/faults.ts";
import { newRequestId } from "../../platform/random.ts";
import { headerOctetsMax } from "./limits.ts";
import { problem } from "./problem.ts";

/** By node:http's error codes; whatever else the parser stumbled over is the sender's malformed request. */
const faults: Readonly<Record<string, Fault>> = {
  HPE_HEADER_OVERFLOW: fault("headers_too_large", `the headers are larger than ${headerOctetsMax} octets`),
  ERR_HTTP_REQUEST_TIMEOUT: fault("request_timeout", "the request did not arrive in time"),
};
const malformed = fault("invalid_argument", "this is no well-formed HTTP request");

/** Says what was wrong, once, and ends the connection: after a parse error nothing on it can be trusted. */
export const answerBrokenRequest = (error: { readonly code?: string }, socket: Socket): void => {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const requestId = newRequestId();
  const { status, headers, body } = problem(faults[error.code ?? ""] ?? malformed, requestId, "");
  const all = {
    ...headers,
    "request-id": requestId,
    "content-length": String(Buffer.byteLength(body)),
    connection: "close",
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n${body}`);
};
