/** Reads one domain. */
import { isFault } from "../../../core/faults.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atDomain, knownDomain } from "./find.ts";
import { domainOutput, render } from "./model.ts";

export const getDomain = operation({
  name: "domains.get",
  summary: "Read a domain",
  kind: "read",
  method: "GET",
  path: "/v1/domains/{id}",
  status: 200,
  input: strict({ id }),
  output: domainOutput,
  permission: "domains:read",
  scope: "tenant",
  target: atDomain,
  run: async (tx, input) => {
    const domain = await knownDomain(tx, input.id);
    return isFault(domain) ? domain : render(domain);
  },
});
