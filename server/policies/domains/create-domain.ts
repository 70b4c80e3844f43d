/** Names a domain the tenant wants to prove, and says which TXT record proves it. */
import Type from "typebox";
import { fault, isFault } from "../../../core/faults.ts";
import { strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atTenant } from "../../operations/targets.ts";
import { newId, randomText } from "../../platform/random.ts";
import { collection, type Domain, domainOutput, domains_max, readName, render } from "./model.ts";
import { countDomains, insertDomain } from "./store.ts";

const challengeAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
/** 160 bits: nobody's record says it by chance, or from another tenant. */
const challengeLength = 32;

export const createDomain = operation({
  name: "domains.create",
  summary: "Name a domain to prove",
  kind: "change",
  method: "POST",
  path: "/v1/domains",
  status: 201,
  input: strict({ name: Type.String({ minLength: 1, maxLength: 253, description: "a DNS name, as `acme.example`" }) }),
  output: domainOutput,
  permission: "domains:create",
  scope: "tenant",
  target: atTenant(collection),
  event: (domain) => ({ type: "domain.created", subject: domain.resource, data: { name: domain.name } }),
  run: async (tx, input, { now }) => {
    const read = readName(input.name);
    if (isFault(read)) return read;
    if ((await countDomains(tx)) >= domains_max)
      return fault("not_admissible", `there are ${domains_max} domains, and may be no more`);
    const at = new Date(now);
    const domain: Domain = {
      id: newId(),
      name: read.name,
      state: "pending",
      challenge: randomText(challengeAlphabet, challengeLength),
      revision: 1,
      createTime: at,
      updateTime: at,
    };
    return (await insertDomain(tx, domain))
      ? render(domain)
      : fault("already_exists", `\`${read.name}\` is among the domains already`);
  },
});
