/** Permission patterns in a request: each must match something in the model, or it was mistyped. */
import { type Fault, fault } from "../../core/faults.ts";
import { hostTenant, type TenantId } from "../../core/ids.ts";
import type { Model, PermissionSet } from "../../core/model/model.ts";
import { expandedIn } from "../../core/model/expanded.ts";
import { expand, type Reach } from "../../core/model/permissions.ts";

/** Only in the host's own tenant do patterns reach the host's permissions. */
export const reachOf = (tenant: TenantId): Reach => (tenant === hostTenant ? "host" : "tenant");

/** What the patterns stand for in this tenant. */
export const permissionsOf = (model: Model, tenant: TenantId, patterns: readonly string[]): PermissionSet =>
  expandedIn(model, patterns, reachOf(tenant));

/** A fault that names every pattern that matches nothing; undefined when all of them do. */
export const knownPatterns = (
  model: Model,
  tenant: TenantId,
  field: string,
  patterns: readonly string[],
): Fault | undefined => {
  const { unknown } = expand(model, patterns, reachOf(tenant));
  const errors = unknown.map((pattern) => ({
    path: `${field}[${patterns.indexOf(pattern)}]`,
    message: `\`${pattern}\` matches no permission of the model`,
  }));
  const first = errors[0];
  return first === undefined ? undefined : fault("invalid_argument", `\`${first.path}\`: ${first.message}`, { errors });
};
