/** Looks for the TXT record, and makes the name the tenant's where it is there, and nobody else's. */
import { fault, isFault } from "../../../core/faults.ts";
import { expectRevision } from "../../operations/etag.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atDomain, knownDomain } from "./find.ts";
import { domainOutput, recordOf, render } from "./model.ts";
import { claimName, markVerified } from "./store.ts";

export const verifyDomain = operation({
  name: "domains.verify",
  summary: "Look for a domain's TXT record",
  kind: "change",
  method: "POST",
  path: "/v1/domains/{id}:verify",
  status: 200,
  input: strict({ id }),
  output: domainOutput,
  permission: "domains:verify",
  scope: "tenant",
  target: atDomain,
  event: (domain) => ({ type: "domain.verified", subject: domain.resource, data: { name: domain.name } }),
  run: async (tx, input, { dns, now, ifMatch }) => {
    const domain = await knownDomain(tx, input.id);
    if (isFault(domain)) return domain;
    if (domain.state === "verified") return fault("illegal_transition", "the domain is verified already");
    const expected = expectRevision(ifMatch, domain.revision, "optional");
    if (isFault(expected)) return expected;

    const records = await dns.txt(domain.name);
    if (records === "busy")
      return fault("unavailable", "too many domains are being looked up", { retryAfterSeconds: 5 });
    if (records === "unreachable")
      return fault("unavailable", `the name servers of \`${domain.name}\` do not answer; ask again`, {
        retryAfterSeconds: 30,
      });
    const wanted = recordOf(domain.challenge);
    if (!records.some((record) => record.trim() === wanted))
      return fault(
        "not_admissible",
        `no TXT record of \`${domain.name}\` says \`${wanted}\` (there are ${records.length} others); a new record may take a while to be seen`,
      );

    if (!(await claimName(tx, domain.name)))
      return fault("already_exists", `another tenant has proven \`${domain.name}\`; it has to give the name up first`);
    const verified = await markVerified(tx, domain.id, expected.revision, new Date(now));
    if (verified === undefined) throw new Error("the domain changed while its name was claimed");
    return render(verified);
  },
});
