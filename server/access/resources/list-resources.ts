/** Lists registered resources: the tenant's, or what is below a perimeter or another resource. What is in one alone is filtered by `parent`. */
import { collectionOf } from "../../operations/targets.ts";
import { strict } from "../../operations/fields.ts";
import { below, listInputBelow, pageOutput, pagingOf, rendered } from "../../operations/listing/page-output.ts";
import { operation } from "../../operations/operation.ts";
import { atParentOrTenant } from "../../operations/targets.ts";
import { typesOf } from "./find.ts";
import { collection, render, resourceOutput } from "./model.ts";
import { listResources as listStored } from "./store.ts";

export const listResources = operation({
  name: "resources.list",
  summary: "List registered resources",
  kind: "read",
  method: "GET",
  path: "/v1/resources",
  status: 200,
  input: strict(listInputBelow),
  output: pageOutput(resourceOutput),
  permission: "resources:read",
  scope: "tenant",
  target: atParentOrTenant(collection),
  run: async (tx, input, context) => {
    const { model } = context;
    const places = [...model.perimeters.keys(), ...model.resources.keys()].map((type) => collectionOf(model, type));
    const stretch = { types: typesOf(model), below: below(input), places };
    const page = await listStored(tx, stretch, input, pagingOf(tx, context, collection, input));
    return rendered(page, (resource) => render(model, resource));
  },
});
