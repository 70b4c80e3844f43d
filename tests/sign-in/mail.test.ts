// Mail: sent if and only if what wanted it was committed, at least once, to the address meant and no other, and never readable at rest.
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { TenantId } from "../../core/ids.ts";
import type { Mail, MailContent } from "../../server/mail/model.ts";
import { type Mailer, openMailer } from "../../server/mail/mailer.ts";
import { queueMail } from "../../server/mail/queue-mail.ts";
import { write } from "../../server/mail/words.ts";
import type { Log } from "../../server/platform/log.ts";
import { openWorkbench, type Workbench } from "../support/engine.ts";
import { headerOf, linkOf, type Mailbox, openMailbox, textOf } from "./mailbox.ts";

let bench: Workbench;
let mailbox: Mailbox;
let acme: TenantId;
let dataDir: string;
const opened: Mailer[] = [];
const logged: { readonly fields: Record<string, unknown>; readonly message: string }[] = [];
const listening: Log = {
  info: (fields, message) => void logged.push({ fields: { ...fields }, message }),
  warn: (fields, message) => void logged.push({ fields: { ...fields }, message }),
  error: (fields, message) => void logged.push({ fields: { ...fields }, message }),
  debug: () => undefined,
};

before(async () => {
  [bench, mailbox, dataDir] = await Promise.all([
    openWorkbench(),
    openMailbox(),
    mkdtemp(join(tmpdir(), "countersign-mail-")),
  ]);
  acme = await bench.tenant("Acme & Söhne");
});
after(async () => {
  await Promise.all(opened.map((mailer) => mailer.close()));
  await mailbox.close();
  await bench.close();
  await rm(dataDir, { recursive: true });
});

const mailer = (smtpUrl = mailbox.url): Mailer => {
  const { platform, sealKey: secretKey, issuer } = bench.engine;
  const made = openMailer({ ...platform, log: listening, secretKey, smtpUrl, from: "", dataDir, issuer });
  opened.push(made);
  return made;
};

const link: MailContent = {
  template: "reset_password",
  url: "http://localhost:8080/reset-password?token=cs_link_secret",
};
const mailTo = (to: string, content: MailContent = link): Mail => ({ ...content, to, locale: "en", tenant: acme });
const queue = (mail: Mail): Promise<void> =>
  bench.engine.platform.database.transaction(acme, (tx) => queueMail(tx, bench.engine.sealKey, mail, bench.clock.ms));
const waiting = async (): Promise<number> =>
  (
    await bench.engine.platform.database.hostTransaction((tx) =>
      tx.query<{ n: number }>("test.mail_waiting", "select count(*) as n from mail_outbox", []),
    )
  )[0]?.n ?? 0;
const sentTo = (to: string): number => mailbox.received.filter((mail) => mail.to.includes(to)).length;

test("design §5.4: a mail is sent when its transaction commits, and never when it does not", async () => {
  const sending = mailer();
  await assert.rejects(
    bench.engine.platform.database.transaction(acme, async (tx) => {
      await queueMail(tx, bench.engine.sealKey, mailTo("rolled@back.example"), bench.clock.ms);
      throw new Error("rolled back");
    }),
    /rolled back/,
  );
  await queue(mailTo("ada@acme.example"));
  await sending.idle();
  const mail = await mailbox.next("ada@acme.example");
  assert.equal(sentTo("rolled@back.example"), 0);
  assert.equal(mail.from, "no-reply@localhost");
  assert.equal(headerOf(mail, "Subject"), "Choose a new password");
  assert.equal(headerOf(mail, "Auto-Submitted"), "auto-generated", "RFC 3834 §5");
  assert.equal(linkOf(mail), "http://localhost:8080/reset-password?token=cs_link_secret");
  assert.match(textOf(mail), /Acme & Söhne/);
  assert.match(mail.raw, /Acme &amp; S/);
  assert.equal(await waiting(), 0);
  await sending.close();
});

test("invariant 5: what waits to be sent is sealed for its row", async () => {
  await queue(mailTo("sealed@acme.example"));
  const rows = await bench.sql<{ row: string }>(acme, "test.mail_rows", "select m::text as row from mail_outbox m", []);
  assert.equal(rows.length, 1);
  const content = Buffer.from(/\\\\x([0-9a-f]+)/.exec(rows[0]?.row ?? "")?.[1] ?? "", "hex").toString("latin1");
  for (const secret of ["cs_link_secret", "sealed@acme.example", "reset_password"])
    assert.ok(!(rows[0]?.row ?? "").includes(secret) && !content.includes(secret), secret);
  await mailer().idle();
  await mailbox.next("sealed@acme.example");
});

test("a mail server that breaks off in the middle, then dies, gets the mail when it is back: no mail is lost", async () => {
  const sending = mailer();
  mailbox.behave("cut");
  await queue(mailTo("patient@acme.example"));
  await sending.idle();
  assert.equal(await waiting(), 1, "it was not taken, so it is kept");
  await mailbox.kill();
  mailbox.behave("take");
  bench.clock.ms += 20_000;
  await sending.idle();
  assert.equal(await waiting(), 1);
  await mailbox.revive();
  await sending.idle();
  assert.equal(sentTo("patient@acme.example"), 0, "each try waits longer than the one before");
  bench.clock.ms += 60_000;
  await sending.idle();
  await mailbox.next("patient@acme.example");
  assert.equal(await waiting(), 0);
  await sending.close();
});

test("many processes: each mail is sent by one of them", async () => {
  const addresses = Array.from({ length: 25 }, (_, n) => `n${n}@many.example`);
  for (const address of addresses) await queue(mailTo(address));
  const processes = [mailer(), mailer(), mailer()];
  await Promise.all(processes.map((one) => one.idle()));
  for (const address of addresses) await mailbox.next(address);
  assert.deepEqual(
    addresses.map(sentTo),
    addresses.map(() => 1),
  );
  await Promise.all(processes.map((one) => one.close()));
});

test("a process that dies while it sends leaves its mail to another, once its lease is over", async () => {
  await queue(mailTo("orphan@acme.example"));
  // What a process does before it sends, and then no more.
  await bench.engine.platform.database.hostTransaction((tx) =>
    tx.query("test.lease", "update mail_outbox set next_attempt_time = $1, attempts = 1", [
      new Date(bench.clock.ms + 120_000),
    ]),
  );
  const other = mailer();
  await other.idle();
  assert.equal(sentTo("orphan@acme.example"), 0);
  bench.clock.ms += 121_000;
  await other.idle();
  await mailbox.next("orphan@acme.example");
  await other.close();
});

test("a mail nobody takes for a day is given up, and so is one whose address is refused", async () => {
  const sending = mailer();
  mailbox.behave("refuse");
  await queue(mailTo("nobody@acme.example"));
  await sending.idle();
  assert.equal(await waiting(), 0);
  assert.ok(logged.some(({ message }) => message.includes("address is refused")));
  mailbox.behave("take");
  await mailbox.kill();
  await queue(mailTo("late@acme.example"));
  await sending.idle();
  assert.equal(await waiting(), 1);
  bench.clock.ms += 25 * 3_600_000;
  await sending.idle();
  assert.equal(await waiting(), 0);
  await mailbox.revive();
  await sending.idle();
  assert.equal(sentTo("late@acme.example"), 0);
  await sending.close();
});

test("a header has one line: names with line breaks add no header and no recipient", async () => {
  const sending = mailer();
  const content: MailContent = {
    template: "invitation",
    url: "http://localhost:8080/invitation?token=t",
    tenantName: "Acme\r\nBcc: everybody@acme.example\r\n\r\n<script>alert(1)</script>",
    inviter: "Eve\nSubject: Win",
  };
  await queue(mailTo("invited@acme.example", content));
  await queue(mailTo("victim@acme.example,everybody@acme.example", content));
  await sending.idle();
  const mail = await mailbox.next("invited@acme.example");
  assert.deepEqual(mail.to, ["invited@acme.example"]);
  assert.equal(headerOf(mail, "Bcc"), undefined);
  assert.match(headerOf(mail, "Subject") ?? "", /^Eve Subject: Win invites you to Acme Bcc: everybody/);
  const page = mail.raw.slice(mail.raw.indexOf("text/html"));
  assert.ok(page.includes("&lt;script&gt;") && !page.includes("<script>"), "and no markup");
  assert.equal(sentTo("everybody@acme.example"), 0, "an address is one address");
  await sending.close();
});

test("with no mail server a mail is a file for the server's user alone, and the log has everything but its link", async () => {
  const sending = mailer("");
  logged.length = 0;
  await queue(mailTo("file@acme.example"));
  await sending.idle();
  const [name] = (await readdir(join(dataDir, "mail"))).filter((one) => one.endsWith(".eml"));
  assert.ok(name);
  const path = join(dataDir, "mail", name);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal((await stat(join(dataDir, "mail"))).mode & 0o777, 0o700);
  assert.match(await readFile(path, "utf8"), /cs_link_secret/);
  const told = logged.find(({ fields }) => fields["to"] === "file@acme.example");
  assert.equal(told?.fields["file"], path);
  assert.equal(JSON.stringify(logged).includes("cs_link_secret"), false, "a log is read by more people than a mailbox");
  await sending.close();
});

test("every template says everything in every language, and leaves no name in braces", () => {
  const contents: readonly MailContent[] = [
    { template: "verify_email", url: "https://x.example/a" },
    { template: "reset_password", url: "https://x.example/a" },
    { template: "invitation", url: "https://x.example/a", tenantName: "Acme", inviter: "Ada" },
    { template: "account_exists", url: "https://x.example/a" },
    { template: "password_changed" },
    { template: "password_reset" },
    { template: "new_sign_in", device: "Firefox", address: "192.0.2.1", time: "2026-01-31T08:00:00Z" },
    { template: "second_factor_changed", change: "totp_added" },
    { template: "change_email", url: "https://x.example/a" },
    { template: "email_changed", newEmail: "new@acme.example" },
  ];
  for (const locale of ["en", "de"])
    for (const content of contents) {
      const mail: Mail = { ...content, to: "ada@acme.example", locale, tenant: null };
      const { subject, text, html } = write(mail, { name: "Acme", accentColor: "#3355bb" });
      for (const part of [subject, text, html]) {
        assert.ok(!/\{\w+\}|mail\.|undefined/.test(part), `${locale} ${content.template}: ${part}`);
        assert.ok(part.length > 10);
      }
    }
});
