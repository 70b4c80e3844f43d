// Domains: whose a name is says the DNS, and nobody else; and it is one tenant's at most.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { TenantId } from "../../core/ids.ts";
import type { Caller } from "../../server/authority/caller.ts";
import { createDomain } from "../../server/policies/domains/create-domain.ts";
import { deleteDomain } from "../../server/policies/domains/delete-domain.ts";
import { getDomain } from "../../server/policies/domains/get-domain.ts";
import { listDomains } from "../../server/policies/domains/list-domains.ts";
import { verifyDomain } from "../../server/policies/domains/verify-domain.ts";
import { type Body, openWorkbench, type Workbench } from "../support/engine.ts";
import { type NameServer, openNameServer } from "./name-server.ts";

let names: NameServer;
let bench: Workbench;
let acme: TenantId;
let owner: Caller;
let rival: Caller;

before(async () => {
  names = await openNameServer();
  bench = await openWorkbench({ dnsServers: names.address });
  acme = await bench.tenant("Acme");
  owner = await bench.ownerOf(acme);
  rival = await bench.ownerOf(await bench.tenant("Rival"));
});
after(async () => {
  await bench.close();
  names.close();
});

const recordOf = (domain: Body): string => String(domain["txt_record"]);

test("a domain is verified by the TXT record it was told, and by no other", async () => {
  const domain = await bench.ok(createDomain, owner, { name: "Acme.Example." });
  assert.equal(domain["name"], "acme.example");
  assert.equal(domain.state, "pending");
  await bench.refused("not_admissible", verifyDomain, owner, { id: domain.id });
  names.records.set("acme.example", ["v=spf1 -all", `${recordOf(domain)}x`, `not ${recordOf(domain)}`]);
  await bench.refused("not_admissible", verifyDomain, owner, { id: domain.id });
  names.records.set("acme.example", ["v=spf1 -all", "a".repeat(400), recordOf(domain)]);
  const verified = await bench.ok(verifyDomain, owner, { id: domain.id });
  assert.equal(verified.state, "verified");
  await bench.refused("illegal_transition", verifyDomain, owner, { id: domain.id });
  const events = await bench.events(acme);
  assert.deepEqual(
    events.map(({ type }) => type),
    ["countersign.domain.created.v1", "countersign.domain.verified.v1"],
  );
});

test("a name is one tenant's at most: another's record proves nothing, and a claim at once is one claim", async () => {
  const ours = await bench.ok(createDomain, owner, { name: "contested.example" });
  const theirs = await bench.ok(createDomain, rival, { name: "contested.example" });
  assert.notEqual(recordOf(ours), recordOf(theirs), "each tenant has a challenge of its own");
  names.records.set("contested.example", [recordOf(ours)]);
  await bench.refused("not_admissible", verifyDomain, rival, { id: theirs.id });
  names.records.set("contested.example", [recordOf(ours), recordOf(theirs)]);
  const outcomes = await Promise.all([
    bench.call(verifyDomain, owner, { id: ours.id }),
    bench.call(verifyDomain, rival, { id: theirs.id }),
  ]);
  assert.equal(outcomes.filter((one) => "status" in one).length, 1);
  const lost = "status" in outcomes[0] ? { who: rival, domain: theirs } : { who: owner, domain: ours };
  const won = "status" in outcomes[0] ? { who: owner, domain: ours } : { who: rival, domain: theirs };
  await bench.refused("already_exists", verifyDomain, lost.who, { id: lost.domain.id });
  await bench.ok(deleteDomain, won.who, { id: won.domain.id });
  assert.equal(
    (await bench.ok(verifyDomain, lost.who, { id: lost.domain.id })).state,
    "verified",
    "given up, it is free",
  );
});

test("invariant 2: another tenant's domain and one that never was get the same answer", async () => {
  const domain = await bench.ok(createDomain, owner, { name: "secret.example" });
  for (const operation of [getDomain, verifyDomain, deleteDomain]) {
    const foreign = await bench.refused("not_found", operation, rival, { id: domain.id });
    const never = await bench.refused("not_found", operation, rival, { id: "00000000-0000-4000-8000-00000000dead" });
    assert.equal(foreign.detail.replace(domain.id, ""), never.detail.replace(/[0-9a-f-]{36}/, ""));
  }
  assert.deepEqual((await bench.ok(listDomains, rival, { filter: 'name = "secret.example"' })).items, []);
});

test("names that are none are refused; internationalized ones are kept as DNS has them", async () => {
  for (const name of [
    "localhost",
    "192.0.2.1",
    "-a.example",
    "a..b",
    `${"a".repeat(64)}.example`,
    "a b.example",
    "xn--",
    "a.1",
  ])
    await bench.refused("invalid_argument", createDomain, owner, { name });
  const domain = await bench.ok(createDomain, owner, { name: "Bücher.example" });
  assert.equal(domain["name"], "xn--bcher-kva.example");
  await bench.refused("already_exists", createDomain, owner, { name: "bücher.EXAMPLE" });
});

test("name servers that say nothing are not waited for long, and many lookups at once are refused at once", async () => {
  const domain = await bench.ok(createDomain, owner, { name: "slow.example" });
  names.silent = true;
  const began = performance.now();
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => bench.call(verifyDomain, owner, { id: domain.id })),
  );
  names.silent = false;
  assert.ok(performance.now() - began < 15_000);
  const details = answers.map((one) => ("fault" in one ? `${one.fault}: ${one.detail}` : ""));
  assert.ok(details.every((one) => one.startsWith("unavailable")));
  assert.equal(details.filter((one) => one.includes("too many")).length, 2);
});
