/** Lists the tenant's domains, proven or not. */
import { strict } from "../../operations/fields.ts";
import { listInput } from "../../operations/listing/list-page.ts";
import { pageOutput, pagingOf, rendered } from "../../operations/listing/page-output.ts";
import { operation } from "../../operations/operation.ts";
import { atTenant } from "../../operations/targets.ts";
import { collection, domainOutput, render } from "./model.ts";
import { listDomains as readDomains } from "./store.ts";

export const listDomains = operation({
  name: "domains.list",
  summary: "List domains",
  kind: "read",
  method: "GET",
  path: "/v1/domains",
  status: 200,
  input: strict(listInput),
  output: pageOutput(domainOutput),
  permission: "domains:read",
  scope: "tenant",
  target: atTenant(collection),
  run: async (tx, input, context) => rendered(await readDomains(tx, input, pagingOf(tx, context, collection)), render),
});
