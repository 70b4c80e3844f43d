/**
 * Whom a request that was let through stands for, as headers for the service behind the gateway; and what in a request pretends to be them.
 * Such a service believes these headers, so that nothing else may reach it under their names.
 */
import type { Verified } from "../../tokens/standing.ts";
import type { Identity } from "./model.ts";
import type { HeaderLine } from "./request-target.ts";

/** Lower case. All of them are the gateway's to set or to remove, whatever the client sent. */
export const identityHeaders = [
  "x-countersign-tenant",
  "x-countersign-principal",
  "x-countersign-subject",
  "x-countersign-actor",
  "x-countersign-scopes",
  "x-countersign-request-id",
] as const;

const prefix = "x-countersign-";
/** RFC 6749 §3.3: what a scope may be made of, which a header may hold as well. */
const scopeForm = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

export const identityOf = (verified: Verified): Identity => {
  const claims = JSON.parse(verified.introspection) as {
    readonly sub: string;
    readonly tenant_id: string;
    readonly act?: { readonly sub?: string };
  };
  const actor = claims.act?.sub;
  return {
    tenant: claims.tenant_id,
    principal: actor ?? claims.sub,
    subject: claims.sub,
    actor,
    scopes: verified.standing().scopes.filter((scope) => scopeForm.test(scope)),
  };
};

/** The headers to set. What has no value is left out, and has to be removed. */
export const headersOf = (identity: Identity | undefined, requestId: string): readonly HeaderLine[] => {
  const lines: readonly (readonly [string, string | undefined])[] = [
    ["x-countersign-tenant", identity?.tenant],
    ["x-countersign-principal", identity?.principal],
    ["x-countersign-subject", identity?.subject],
    ["x-countersign-actor", identity?.actor],
    ["x-countersign-scopes", identity?.scopes.join(" ")],
    ["x-countersign-request-id", requestId],
  ];
  return lines.flatMap(([name, value]) => (value === undefined || value === "" ? [] : [[name, value] as const]));
};

/** Servers that hand headers on as variables (CGI, WSGI) cannot tell `_` from `-`. */
const asVariable = (name: string): string => name.replaceAll("_", "-");

/** Whether the header's name begins like ours, in any spelling a server may take for it. Lower case. */
export const isOurs = (name: string): boolean => asVariable(name).startsWith(prefix);

/** … and is not spelled as ours: no gateway that sets ours takes it away. */
export const isLookalike = (name: string): boolean => isOurs(name) && !name.startsWith(prefix);

/** What makes some frameworks serve another path or method than the one that was judged. */
const diverting: ReadonlySet<string> = new Set([
  "x-original-url",
  "x-rewrite-url",
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
]);

export const isDiverting = (name: string): boolean => diverting.has(asVariable(name));
