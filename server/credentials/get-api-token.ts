/** Reads one API token. Its text is never in the answer. */
import { isFault } from "../../core/faults.ts";
import { id, strict } from "../operations/fields.ts";
import { operation } from "../operations/operation.ts";
import { atToken, knownToken } from "./find.ts";
import { render, tokenOutput } from "./model.ts";

const permission = "api-tokens:read";

export const getApiToken = operation({
  name: "api-tokens.get",
  summary: "Read an API token's description",
  kind: "read",
  method: "GET",
  path: "/v1/api-tokens/{id}",
  status: 200,
  input: strict({ id }),
  output: tokenOutput,
  permission,
  scope: "tenant",
  target: atToken(permission),
  run: async (tx, input, { now }) => {
    const token = await knownToken(tx, input.id);
    return isFault(token) ? token : render(token, now);
  },
});
