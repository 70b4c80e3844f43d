/**
 * Resource grants: level × principal × resource. What a level gives is the model's to say; it holds at the resource and at everything below
 * it, alone where the level is sufficient, else under a role that has the same within grants.
 *
 * A grant is made and revoked, never altered: another level, another end or another condition is another grant.
 */
import Type from "typebox";
import { beneficiaryRef, formatRef, type GrantId, type NodeId } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import type { Beneficiary } from "../../authority/beneficiaries.ts";
import { etagOf } from "../../operations/etag.ts";
import { etag, id, ref, strict, time } from "../../operations/fields.ts";
import { nodeRef } from "../../operations/targets.ts";
import { conditionOutput } from "../condition.ts";

export type ResourceGrant = {
  readonly id: GrantId;
  readonly node: { readonly id: NodeId; readonly type: string };
  readonly principal: Beneficiary;
  readonly level: string;
  /** CEL; null holds always. */
  readonly condition: string | null;
  /** Null never expires. */
  readonly expireTime: Date | null;
  readonly revision: number;
  readonly createTime: Date;
  readonly updateTime: Date;
};

export const collection = "resource-grants";

export const grantRef = (grant: GrantId): string => formatRef(collection, grant);

export const parent = ref("the resource it is given on: {type}/{uuid}");
export const principal = ref("users/{uuid}, service-accounts/{uuid} or groups/{uuid}");
export const level = Type.String({
  minLength: 1,
  maxLength: 63,
  description: "a level the model has for the resource's type",
});

export const grantOutput = strict({
  id,
  resource: ref("resource-grants/{uuid}"),
  parent,
  principal,
  level,
  condition: conditionOutput,
  expire_time: Type.Union([time, Type.Null()], { description: "null where it does not expire" }),
  etag,
  create_time: time,
  update_time: time,
});

export const render = (model: Model, grant: ResourceGrant) => ({
  id: grant.id as string,
  resource: grantRef(grant.id),
  parent: nodeRef(model, grant.node),
  principal: beneficiaryRef(grant.principal.kind, grant.principal.id),
  level: grant.level,
  condition: grant.condition,
  expire_time: grant.expireTime?.toISOString() ?? null,
  etag: etagOf(grant.revision),
  create_time: grant.createTime.toISOString(),
  update_time: grant.updateTime.toISOString(),
});

/** What an event about a grant tells. */
export const told = (grant: ReturnType<typeof render>) => ({
  parent: grant.parent,
  principal: grant.principal,
  level: grant.level,
  condition: grant.condition,
  expire_time: grant.expire_time,
});
