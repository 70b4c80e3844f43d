/** What was thrown, as what may be told: an expected fault by its name, and for a bug a sentence and a line in the log. */
import { type Fault, fault, isFault } from "../../../core/faults.ts";
import { isUnavailable } from "../../platform/database/unavailable.ts";
import type { Log } from "../../platform/log.ts";
import { bodyOctetsMax } from "./limits.ts";

/** Fastify's own refusals, by their codes. */
const refusals: Readonly<Record<string, Fault>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: fault("payload_too_large", `the body is larger than ${bodyOctetsMax} octets`),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: fault("unsupported_media_type", "send the body as application/json"),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: fault("invalid_argument", "the body is not as long as `Content-Length` says"),
  FST_ERR_CTP_EMPTY_JSON_BODY: fault("invalid_argument", "the body is empty"),
};

export const faultOf = (log: Log, error: unknown, requestId: string): Fault => {
  const known = error as { readonly fault?: unknown; readonly code?: string };
  if (isFault(known.fault)) return known.fault;
  const refusal = refusals[known.code ?? ""];
  if (refusal !== undefined) return refusal;
  if (isUnavailable(error)) {
    log.warn({ request_id: requestId, error: error.message }, "the database could not be asked");
    return fault("unavailable", "the server cannot reach its database; ask again", { retryAfterSeconds: 1 });
  }
  log.error(
    { request_id: requestId, error: error instanceof Error ? (error.stack ?? error.message) : String(error) },
    "request failed",
  );
  return fault("internal", "something broke on our side; the request id finds it in the log");
};
