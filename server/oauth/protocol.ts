/** What OAuth endpoints are given and what they answer: a form, who called, and an RFC-shaped response. */
import { type Fault, faults, fault, type Result } from "../../core/faults.ts";
import type { Form, WebRequest, WebResponse } from "../platform/web/request.ts";
import { challengeHeaders } from "./challenges.ts";
import { quoted } from "./quoted.ts";

export type { Form } from "../platform/web/request.ts";
export type ProtocolRequest = WebRequest;
export type ProtocolResponse = WebResponse;

/** RFC 6749 §5.1: tokens and errors are never cached. */
export const jsonHeaders = { "content-type": "application/json", "cache-control": "no-store" } as const;

export const ok = (body: string): ProtocolResponse => ({ status: 200, headers: jsonHeaders, body });

/** A parameter that must come at most once (RFC 6749 §3.2). An empty one counts as absent. */
export const parameter = (form: Form, name: string): Result<{ readonly value: string | undefined }> => {
  const value = form[name];
  if (value === undefined || value === "") return { value: undefined };
  return typeof value === "string"
    ? { value }
    : fault("invalid_argument", `the parameter \`${name}\` came more than once`);
};

/** The first parameter that came twice and must not have. RFC 8707 lets `resource` repeat. */
export const repeated = (form: Form): Fault | undefined => {
  const name = Object.keys(form).find((key) => Array.isArray(form[key]) && key !== "resource");
  return name === undefined ? undefined : fault("invalid_argument", `the parameter \`${name}\` came more than once`);
};

/** RFC 6749 §5.2: only failed client authentication is a 401, with a challenge that matches what the client tried. */
export const errorResponse = (failure: Fault, triedHeader: boolean): ProtocolResponse => {
  const row: { readonly status: number; readonly oauth?: string } = faults[failure.fault];
  const error = row.oauth ?? (row.status >= 500 ? "server_error" : "invalid_request");
  const challenge: Readonly<Record<string, string>> =
    failure.fault === "invalid_client" && triedHeader
      ? { "www-authenticate": 'Basic realm="countersign", charset="UTF-8"' }
      : failure.fault === "invalid_token" || failure.fault === "insufficient_scope"
        ? {
            "www-authenticate": `Bearer realm="countersign", error="${error}", error_description="${quoted(failure.detail)}"`,
          }
        : challengeHeaders(failure, undefined);
  const wait: Readonly<Record<string, string>> =
    failure.retryAfterSeconds === undefined ? {} : { "retry-after": String(failure.retryAfterSeconds) };
  return {
    status: row.status,
    headers: { ...jsonHeaders, ...challenge, ...wait },
    body: JSON.stringify({ error, error_description: quoted(failure.detail) }),
  };
};
