/**
 * Groups: whom authority is given to together. A role assigned to a group, or a level granted to it, is had by everybody in it, directly or
 * through a group that is in it, for as long as they are.
 *
 * A group belongs to a perimeter, where it is managed, and only who is placed at or below that perimeter can be in it: who administers one
 * client's groups brings nobody in from outside the client.
 */
import Type, { type Static } from "typebox";
import { beneficiaryRef, formatRef, type GroupId, type NodeId, type TenantId } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import type { Beneficiary } from "../../authority/beneficiaries.ts";
import { etagOf } from "../../operations/etag.ts";
import { displayName, etag, id, ref, strict, time } from "../../operations/fields.ts";
import { nodeRef } from "../../operations/targets.ts";

export type Group = {
  readonly tenant: TenantId;
  readonly id: GroupId;
  readonly node: { readonly id: NodeId; readonly type: string };
  readonly displayName: string;
  readonly description: string;
  readonly revision: number;
  readonly createTime: Date;
  readonly updateTime: Date;
};

export type Member = { readonly whose: Beneficiary; readonly createTime: Date };

export const collection = "groups";

/** Members put into one group directly. */
export const group_members_max = 10_000;
/** Groups in a chain of groups, each in the next. */
export const group_nesting_max = 8;
/** Groups one principal is in, directly or through others: a decision asks for what each of them has. */
export const groups_per_principal_max = 100;
/** Members named in one request. */
export const members_at_once_max = 100;

export const groupRef = (group: GroupId): string => formatRef(collection, group);

export const parent = ref("the perimeter it is managed at");
export const description = Type.String({ maxLength: 1_000, description: "for people to read" });
export const member = ref("users/{uuid}, service-accounts/{uuid} or groups/{uuid}");
export const members = Type.Array(member, { minItems: 1, maxItems: members_at_once_max, uniqueItems: true });

export const groupOutput = strict({
  id,
  resource: ref("groups/{uuid}"),
  parent,
  display_name: displayName,
  description,
  etag,
  create_time: time,
  update_time: time,
});

export const render = (model: Model, group: Group): Static<typeof groupOutput> => ({
  id: group.id,
  resource: groupRef(group.id),
  parent: nodeRef(model, group.node),
  display_name: group.displayName,
  description: group.description,
  etag: etagOf(group.revision),
  create_time: group.createTime.toISOString(),
  update_time: group.updateTime.toISOString(),
});

export const memberRef = ({ kind, id: member_id }: Beneficiary): string => beneficiaryRef(kind, member_id);

type Rendered = ReturnType<typeof render>;

/** What an event about a group tells. */
export const told = ({ parent: at, display_name }: Rendered) => ({ parent: at, display_name });
