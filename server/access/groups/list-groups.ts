/** Lists groups: the tenant's, those managed at a perimeter and below it, or those somebody is in, directly or through other groups. */
import Type from "typebox";
import { type BeneficiaryId, beneficiaryKindOf, parseRef } from "../../../core/ids.ts";
import type { Beneficiary } from "../../authority/beneficiaries.ts";
import { strict } from "../../operations/fields.ts";
import { below, listInputBelow, pageOutput, pagingOf, rendered } from "../../operations/listing/page-output.ts";
import { operation } from "../../operations/operation.ts";
import { atParentOrTenant } from "../../operations/targets.ts";
import { collection, groupOutput, member, render } from "./model.ts";
import { listGroups as listStored } from "./store.ts";

export const listGroups = operation({
  name: "groups.list",
  summary: "List groups",
  kind: "read",
  method: "GET",
  path: "/v1/groups",
  status: 200,
  input: strict({
    ...listInputBelow,
    member: Type.Optional({ ...member, description: "list the groups it is in, directly or through others" }),
  }),
  output: pageOutput(groupOutput),
  permission: "groups:read",
  scope: "tenant",
  target: atParentOrTenant(collection),
  run: async (tx, input, context) => {
    const { model } = context;
    const whose = input.member === undefined ? undefined : memberOf(input.member);
    if (whose === null) return { items: [], next_page_token: "" };
    const stretch = { below: below(input), member: whose, places: [...model.collections.keys()] };
    const paging = pagingOf(tx, context, `${collection} ${input.member ?? ""}`, input);
    return rendered(await listStored(tx, stretch, input, paging), (group) => render(model, group));
  },
});

/** Null where nothing of that collection can be in a group. */
const memberOf = (text: string): Beneficiary | null => {
  const named = parseRef(text);
  const kind = named && beneficiaryKindOf(named.collection);
  return named === undefined || kind === undefined ? null : { kind, id: named.id as BeneficiaryId };
};
