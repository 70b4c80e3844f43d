/** Lists the tenant's API tokens, dead ones too: what was once valid is part of what an investigation asks for. */
import { strict } from "../operations/fields.ts";
import { listInput } from "../operations/listing/list-page.ts";
import { pageOutput, pagingOf, rendered } from "../operations/listing/page-output.ts";
import { operation } from "../operations/operation.ts";
import { atTenant } from "../operations/targets.ts";
import { collection, render, tokenOutput } from "./model.ts";
import { listTokens } from "./store.ts";

export const listApiTokens = operation({
  name: "api-tokens.list",
  summary: "List API tokens",
  kind: "read",
  method: "GET",
  path: "/v1/api-tokens",
  status: 200,
  input: strict(listInput),
  output: pageOutput(tokenOutput),
  permission: "api-tokens:read",
  scope: "tenant",
  target: atTenant(collection),
  run: async (tx, input, context) => {
    const { now } = context;
    const page = await listTokens(tx, new Date(now), input, pagingOf(tx, context, collection));
    return rendered(page, (token) => render(token, now));
  },
});
