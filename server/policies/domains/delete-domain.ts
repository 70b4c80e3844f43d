/** Gives a domain up. Accounts made with its addresses stay; no new one is made by itself, and another tenant may prove the name. */
import { isFault } from "../../../core/faults.ts";
import { expectRevision, overtaken } from "../../operations/etag.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atDomain, knownDomain } from "./find.ts";
import { domainOutput, render } from "./model.ts";
import { deleteDomain as removeDomain } from "./store.ts";

export const deleteDomain = operation({
  name: "domains.delete",
  summary: "Give a domain up",
  kind: "change",
  method: "DELETE",
  path: "/v1/domains/{id}",
  status: 200,
  input: strict({ id }),
  output: domainOutput,
  permission: "domains:delete",
  scope: "tenant",
  target: atDomain,
  event: (domain) => ({ type: "domain.deleted", subject: domain.resource, data: { name: domain.name } }),
  run: async (tx, input, { ifMatch }) => {
    const domain = await knownDomain(tx, input.id);
    if (isFault(domain)) return domain;
    const expected = expectRevision(ifMatch, domain.revision, "optional");
    if (isFault(expected)) return expected;
    return (await removeDomain(tx, domain)) ? render(domain) : overtaken();
  },
});
