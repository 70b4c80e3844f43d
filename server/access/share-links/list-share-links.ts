/** Lists share links: the tenant's, or those of one node and what is below it, where the permission must then hold. */
import { strict } from "../../operations/fields.ts";
import { below, listInputBelow, pageOutput, pagingOf, rendered } from "../../operations/listing/page-output.ts";
import { operation } from "../../operations/operation.ts";
import { atParentOrTenant } from "../../operations/targets.ts";
import { collection, linkOutput, render } from "./model.ts";
import { listLinks } from "./store.ts";

export const listShareLinks = operation({
  name: "share-links.list",
  summary: "List share links",
  kind: "read",
  method: "GET",
  path: "/v1/share-links",
  status: 200,
  input: strict(listInputBelow),
  output: pageOutput(linkOutput),
  permission: "share-links:read",
  scope: "tenant",
  target: atParentOrTenant(collection),
  run: async (tx, input, context) => {
    const { model, now } = context;
    const stretch = { below: below(input), places: [...model.resources.keys()] };
    const page = await listLinks(tx, stretch, new Date(now), input, pagingOf(tx, context, collection, input));
    return rendered(page, (link) => render(model, link, now));
  },
});
