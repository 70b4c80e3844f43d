/**
 * A tenant's own roles, beside those built into the access model. A role gives nobody anything until it is assigned; from then on its
 * patterns are what every holder has, so that changing it changes them all.
 */
import { formatRef, type RoleId, type TenantId } from "../../../core/ids.ts";
import Type from "typebox";
import { etagOf } from "../../operations/etag.ts";
import { displayName, etag, id, permissionPatterns, ref, strict, time } from "../../operations/fields.ts";

export type Role = {
  readonly tenant: TenantId;
  readonly id: RoleId;
  readonly displayName: string;
  readonly description: string;
  /** Patterns, held everywhere the assignment reaches. */
  readonly permissions: readonly string[];
  /** Patterns, held only where a resource grant gives them too. */
  readonly withinGrants: readonly string[];
  readonly revision: number;
  readonly createTime: Date;
  readonly updateTime: Date;
};

export const collection = "roles";

export const roleRef = (role: RoleId): string => formatRef(collection, role);

export const description = Type.String({ maxLength: 1_000, description: "for people to read" });
export const permissions = permissionPatterns("held everywhere the assignment reaches");
export const withinGrants = permissionPatterns("held only where a resource grant gives them too");

export const roleOutput = strict({
  id,
  resource: ref("roles/{uuid}"),
  display_name: displayName,
  description,
  permissions,
  within_grants: withinGrants,
  etag,
  create_time: time,
  update_time: time,
});

export const render = (role: Role) => ({
  id: role.id as string,
  resource: roleRef(role.id),
  display_name: role.displayName,
  description: role.description,
  permissions: [...role.permissions],
  within_grants: [...role.withinGrants],
  etag: etagOf(role.revision),
  create_time: role.createTime.toISOString(),
  update_time: role.updateTime.toISOString(),
});
