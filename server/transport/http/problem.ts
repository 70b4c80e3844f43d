/** RFC 9457 problem documents: every fault that REST answers with, from the one table in core/faults.ts. */
import { type Fault, faults } from "../../../core/faults.ts";
import { challengeHeaders } from "../../oauth/challenges.ts";

/** Problem types are names, not addresses of ours: the part after the colon is the stable `code`. */
const typePrefix = "urn:countersign:problem:";

export type Problem = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** `metadata` is where the resource says what it is (RFC 9728): a 401 or a scope's 403 points there. */
export const problem = (failure: Fault, requestId: string, instance: string, metadata?: string): Problem => {
  const row = faults[failure.fault];
  return {
    status: row.status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...challengeHeaders(failure, metadata),
      ...(failure.retryAfterSeconds === undefined ? {} : { "retry-after": String(failure.retryAfterSeconds) }),
    },
    body: JSON.stringify({
      type: typePrefix + failure.fault,
      title: row.title,
      status: row.status,
      detail: failure.detail,
      instance,
      code: failure.fault,
      ...(failure.permission === undefined ? {} : { permission: failure.permission }),
      ...(failure.errors === undefined ? {} : { errors: failure.errors }),
      request_id: requestId,
    }),
  };
};
