/** Which tenant a request is about: from the operation's scope, its input and its headers. */
import { type Fault, fault, isFault, type Result } from "../../core/faults.ts";
import { hostTenant, isUuid, parseRef, type TenantId } from "../../core/ids.ts";
import type { Model } from "../../core/model/model.ts";
import { type Caller, isHostCaller } from "../authority/caller.ts";
import type { Operation } from "./operation.ts";

type Input = Readonly<Record<string, unknown>>;

/** What the request said besides its input. */
export type RequestMeta = {
  readonly requestId: string;
  readonly idempotencyKey: string | undefined;
  /** Unquoted. */
  readonly ifMatch: string | undefined;
  /** `Countersign-Tenant`: the tenant a caller of the host speaks about, as a ref. */
  readonly tenant: string | undefined;
  /** Say what the change would do, and do nothing. */
  readonly validateOnly?: boolean;
};

export const notFound: Fault = fault("not_found", "there is no such resource, or it is not yours to see");

/** Which tenant this is about. Another tenant's name and one that never was get the same answer (invariant 2). */
export const tenantOf = (
  model: Model,
  operation: Operation,
  caller: Caller,
  input: Input,
  meta: RequestMeta,
): Result<TenantId | "host"> => {
  const scope =
    typeof operation.scope === "function"
      ? operation.scope(input, { caller, idempotencyKey: meta.idempotencyKey, tenant: meta.tenant })
      : operation.scope;
  if (scope === "host") return isHostCaller(caller) ? "host" : missingAtHost(operation);
  const named = scope === "tenant" ? namedTenant(model, input, meta) : scope;
  if (named === undefined) return caller.tenant;
  if (isFault(named)) return named;
  return named === caller.tenant || isHostCaller(caller) ? named : notFound;
};

const namedTenant = (model: Model, input: Input, meta: RequestMeta): Result<TenantId> | undefined => {
  const parent =
    typeof input.parent === "string" && isAlwaysRoot(model, input.parent) ? rootRef(model, input.parent) : undefined;
  if (meta.tenant === undefined) return parent;
  const header = rootRef(model, meta.tenant) ?? (meta.tenant === "host" ? hostTenant : undefined);
  if (header === undefined || (parent !== undefined && parent !== header))
    return fault(
      "invalid_argument",
      `the header Countersign-Tenant is \`${meta.tenant}\`, which names no tenant this request could be about`,
    );
  return header;
};

/** The tenant a ref names, where it is a root perimeter's. */
const rootRef = (model: Model, text: string): TenantId | undefined => {
  const ref = parseRef(text);
  return ref !== undefined && isUuid(ref.id) && model.collections.get(ref.collection)?.root === true
    ? (ref.id as TenantId)
    : undefined;
};

/** A type that may also stand below another says nothing about the tenant. */
const isAlwaysRoot = (model: Model, text: string): boolean =>
  model.collections.get(parseRef(text)?.collection ?? "")?.in.length === 0;

const missingAtHost = (operation: Operation): Fault =>
  fault("permission_denied", `this needs the permission \`${operation.permission}\` at the host`, {
    permission: operation.permission,
  });
