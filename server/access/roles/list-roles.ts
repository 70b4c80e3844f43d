/** Lists the tenant's own roles. */
import { strict } from "../../operations/fields.ts";
import { listInput } from "../../operations/listing/list-page.ts";
import { pageOutput, pagingOf, rendered } from "../../operations/listing/page-output.ts";
import { operation } from "../../operations/operation.ts";
import { atTenant } from "../../operations/targets.ts";
import { collection, render, roleOutput } from "./model.ts";
import { listRoles as listStored } from "./store.ts";

export const listRoles = operation({
  name: "roles.list",
  summary: "List custom roles",
  kind: "read",
  method: "GET",
  path: "/v1/roles",
  status: 200,
  input: strict(listInput),
  output: pageOutput(roleOutput),
  permission: "roles:read",
  scope: "tenant",
  target: atTenant(collection),
  run: async (tx, input, context) => rendered(await listStored(tx, input, pagingOf(tx, context, collection)), render),
});
