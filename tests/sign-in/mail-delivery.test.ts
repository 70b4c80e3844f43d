// Mail and DNS as a deployment's settings name them, with real processes: what was promised is kept over a kill -9.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startDeployment } from "../oauth/deployment.ts";
import { headerOf, linkOf, openMailbox } from "./mailbox.ts";
import { openNameServer } from "./name-server.ts";

const mailbox = await openMailbox();
const names = await openNameServer();
const deployment = await startDeployment({
  servers: 2,
  env: {
    COUNTERSIGN_SMTP_URL: mailbox.url,
    COUNTERSIGN_MAIL_FROM: "Sign-in at Acme <sign-in@acme.example>",
    COUNTERSIGN_DNS_SERVERS: names.address,
  },
});
after(async () => {
  await deployment.close();
  await mailbox.close();
  names.close();
});
const acme = await deployment.tenant("Acme");
const invite = (email: string, on = 0) => acme.does("/v1/invitations", { parent: acme.ref, email }, on);

test("a mail is on its way as soon as its change is committed, from the sender the setting names", async () => {
  const began = performance.now();
  await invite("grace@acme.example");
  const mail = await mailbox.next("grace@acme.example");
  assert.ok(performance.now() - began < 5_000);
  assert.equal(headerOf(mail, "From"), '"Sign-in at Acme" <sign-in@acme.example>');
  assert.equal(mail.from, "sign-in@acme.example");
  assert.ok(linkOf(mail).startsWith(`${deployment.issuer}/invitation?link=cs_inv_`));
  assert.ok(
    deployment.servers.every((server) => !server.output().includes("mail_dir")),
    "the banner has nothing to warn of",
  );
});

test("security.md 13: kill -9 with a mail nobody took: the other process sends it", async () => {
  await mailbox.kill();
  await invite("patient@acme.example", 1);
  const tried = async (): Promise<number> =>
    (await deployment.sql<{ attempts: number }>("select attempts from mail_outbox"))[0]?.attempts ?? 0;
  for (let turn = 0; (await tried()) === 0; turn += 1) assert.ok(turn < 10_000);
  await deployment.servers[1]?.kill();
  await mailbox.revive();
  // Its time has come, or its lease is over, which ever it was waiting for.
  await deployment.sql("update mail_outbox set next_attempt_time = now()");
  await mailbox.next("patient@acme.example");
  await deployment.revive(1);
});

test("the domain's record is looked up where the setting says", async () => {
  const domain = await acme.does("/v1/domains", { name: "acme.example" });
  names.records.set("acme.example", [String(domain["txt_record"])]);
  const verified = await acme.does(`/v1/domains/${String(domain["id"])}:verify`, {}, 1);
  assert.equal(verified["state"], "verified");
});
