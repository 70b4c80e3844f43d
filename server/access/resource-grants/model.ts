/**
 * Resource grants: level × principal × resource. What a level gives is the model's to say; it holds at the resource and at everything below
 * it, alone where the level is sufficient, else under a role that has the same within grants.
 */
import Type from "typebox";
import { beneficiaryRef, formatRef, type GrantId } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import { id, ref, strict } from "../../operations/fields.ts";
import { nodeRef } from "../../operations/targets.ts";
import { type Binding, principal, renderTerms, termsOutput } from "../bindings.ts";

export type ResourceGrant = Binding & { readonly id: GrantId; readonly level: string };

export const collection = "resource-grants";

export const grantRef = (grant: GrantId): string => formatRef(collection, grant);

export const parent = ref("the resource it is given on: {type}/{uuid}");
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
  ...termsOutput,
});

export const render = (model: Model, grant: ResourceGrant) => ({
  id: grant.id as string,
  resource: grantRef(grant.id),
  parent: nodeRef(model, grant.node),
  principal: beneficiaryRef(grant.principal.kind, grant.principal.id),
  level: grant.level,
  ...renderTerms(grant),
});

/** What an event about a grant tells. */
export const told = (grant: ReturnType<typeof render>) => ({
  parent: grant.parent,
  principal: grant.principal,
  level: grant.level,
  condition: grant.condition,
  expire_time: grant.expire_time,
});
