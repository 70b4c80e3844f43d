/** RFC 9457 problem documents: every fault that REST answers with, from the one table in core/faults.ts. */
import { type Fault, faults } from "../../../core/faults.ts";

/** Problem types are names, not addresses of ours: the part after the colon is the stable `code`. */
const typePrefix = "urn:countersign:problem:";

export type Problem = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** RFC 6750 §3: what a 401 or a scope's 403 must say about itself. */
const challenges: Partial<Record<Fault["fault"], string>> = {
  unauthenticated: 'Bearer realm="countersign"',
  invalid_token: 'Bearer realm="countersign", error="invalid_token"',
  insufficient_scope: 'Bearer realm="countersign", error="insufficient_scope"',
};

export const problem = (failure: Fault, requestId: string, instance: string): Problem => {
  const row = faults[failure.fault];
  const challenge = challenges[failure.fault];
  const scope = failure.fault === "insufficient_scope" && failure.permission ? `, scope="${failure.permission}"` : "";
  return {
    status: row.status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...(challenge === undefined ? {} : { "www-authenticate": challenge + scope }),
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
