/**
 * Lists perimeters of one type: in the tenant, or below a parent, where the permission must then hold. For tenants themselves it depends on
 * who asks: the host sees them all, a tenant's caller its own.
 */
import type { Perimeter } from "../../core/model/model.ts";
import { isHostCaller } from "../authority/caller.ts";
import { listInput } from "../operations/listing/list-page.ts";
import { below, listInputBelow, pageOutput, pagingOf, rendered } from "../operations/listing/page-output.ts";
import { operation } from "../operations/operation.ts";
import { atParentOrTenant, collectionOf } from "../operations/targets.ts";
import { strict } from "../operations/fields.ts";
import { isAlwaysRoot, perimeterOutput, render } from "./model.ts";
import { listPerimeters } from "./store.ts";

const inputOf = (type: Perimeter) =>
  strict(isAlwaysRoot(type) ? listInput : listInputBelow) as ReturnType<typeof strict<typeof listInputBelow>>;

export const listPerimetersOf = (type: Perimeter) =>
  operation({
    name: `${type.collection}.list`,
    summary: type.root ? `List tenants of type ${type.type}` : `List perimeters of type ${type.type}`,
    kind: "read",
    method: "GET",
    path: `/v1/${type.collection}`,
    status: 200,
    input: inputOf(type),
    output: pageOutput(perimeterOutput),
    permission: `${type.collection}:read`,
    scope: (input, { caller, tenant }) => {
      const ofAll = type.root && isHostCaller(caller) && tenant === undefined && input.parent === undefined;
      return ofAll ? "host" : "tenant";
    },
    target: atParentOrTenant(type.collection),
    run: async (tx, input, context) => {
      const { model } = context;
      const parents = type.in.map((above) => collectionOf(model, above));
      const stretch = { type: type.type, below: below(input), parents };
      const page = await listPerimeters(tx, stretch, input, pagingOf(tx, context, type.collection, input));
      return rendered(page, (node) => render(model, node));
    },
  });
