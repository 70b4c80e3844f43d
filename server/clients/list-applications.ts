/** Lists applications: the tenant's, or those of one perimeter and what is below it. */
import { strict } from "../operations/fields.ts";
import { below, listInputBelow, pageOutput, pagingOf, rendered } from "../operations/listing/page-output.ts";
import { operation } from "../operations/operation.ts";
import { atParentOrTenant } from "../operations/targets.ts";
import { perimeterCollections } from "../principals/place.ts";
import { collection } from "./model.ts";
import { applicationOutput, render } from "./output.ts";
import { listApplications as readApplications } from "./store.ts";

export const listApplications = operation({
  name: "applications.list",
  summary: "List applications",
  kind: "read",
  method: "GET",
  path: "/v1/applications",
  status: 200,
  input: strict(listInputBelow),
  output: pageOutput(applicationOutput),
  permission: "applications:read",
  scope: "tenant",
  target: atParentOrTenant(collection),
  run: async (tx, input, context) => {
    const where = { below: below(input), perimeters: perimeterCollections(context.model) };
    const page = await readApplications(tx, where, input, pagingOf(tx, context, collection, input));
    return rendered(page, (application) => render(context.model, application));
  },
});
