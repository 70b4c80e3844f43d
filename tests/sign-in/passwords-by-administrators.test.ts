// What an administrator may do to a human's credentials: send a link, or take lost second factors away. Never see or choose a secret.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { PrincipalId, TenantId } from "../../core/ids.ts";
import {
  links_per_hour_max,
  peekMailLink,
  readMailLink,
  useMailLink,
} from "../../server/credentials/mail-links/mail-links.ts";
import { readPassword, writePassword } from "../../server/credentials/passwords/store.ts";
import { resetPassword } from "../../server/credentials/passwords/reset-password.ts";
import { newRecoveryCodes, recoveryCodesLeft } from "../../server/credentials/recovery-codes/recovery-codes.ts";
import { resetSecondFactors } from "../../server/credentials/reset-second-factors.ts";
import { removeCredentials, secondFactorsOf } from "../../server/credentials/second-factors.ts";
import { codeAt, stepAt } from "../../server/credentials/totp/code.ts";
import { beginTotp, confirmTotp } from "../../server/credentials/totp/totp.ts";
import type { Mail } from "../../server/mail/model.ts";
import { mailRow } from "../../server/mail/queue-mail.ts";
import type { Tx } from "../../server/platform/database/database.ts";
import { unseal } from "../../server/platform/keys/seal.ts";
import { newId } from "../../server/platform/random.ts";
import { registerUser } from "../../server/principals/users/register-user.ts";
import { suspendUser } from "../../server/principals/users/suspend-user.ts";
import { openWorkbench } from "../support/engine.ts";

const bench = await openWorkbench();
after(bench.close);
const acme = await bench.tenant();
const owner = await bench.ownerOf(acme);
const { sealKey } = bench.engine;

const userOf = async (tenant: TenantId, role?: string) => {
  const parent = bench.rootRef(tenant);
  const input = {
    parent,
    email: `${newId()}@acme.example`,
    display_name: "Ada",
    ...(role === undefined ? {} : { role }),
  };
  const made = await bench.ok(registerUser, bench.host, input, { tenant: parent });
  return { id: made.id, email: String(made["email"]), home: tenant, user: made.id as PrincipalId };
};
const within = <T>(work: (tx: Tx) => Promise<T>, tenant = acme): Promise<T> =>
  bench.engine.platform.database.transaction(tenant, work);

/** What is waiting to be sent, opened as the one who sends it does. */
const mails = async (tenant: TenantId): Promise<readonly Mail[]> => {
  const sql = "select id, content_sealed from mail_outbox where tenant_id = $1 order by create_time, ctid";
  const rows = await bench.sql<{ id: string; content_sealed: Buffer }>(tenant, "test.mails", sql, [tenant]);
  return rows.map((row) => JSON.parse(unseal(sealKey, mailRow(row.id), row.content_sealed).toString()) as Mail);
};
const linkIn = (mail: Mail | undefined): string => {
  assert.ok(mail !== undefined && mail.template === "reset_password");
  const url = new URL(mail.url);
  assert.equal(url.pathname, "/reset-password");
  return url.searchParams.get("link") ?? "";
};

test("users.resetPassword mails a link to the user's address; nobody else sees it: not the answer, the event, the audit entry or the database", async () => {
  const ada = await userOf(acme);
  const answer = await bench.ok(resetPassword, owner, { id: ada.id });
  assert.deepEqual(Object.keys(answer), ["id", "resource", "expire_time"]);
  const mail = (await mails(acme)).at(-1);
  assert.equal(mail?.to, ada.email);
  const link = linkIn(mail);
  const [dump] = await bench.sql<{ rows: string }>(
    acme,
    "test.link_dump",
    `select coalesce(string_agg(row_to_json(m)::text, ' '), '') || coalesce((select string_agg(row_to_json(l)::text, ' ') from mail_links l
       where l.tenant_id = $1), '') as rows from mail_outbox m where m.tenant_id = $1`,
    [acme],
  );
  const said = JSON.stringify([answer, await bench.events(acme), await bench.audit(acme), dump]);
  const body = Buffer.from(link.replace("cs_link_", ""), "base64url");
  for (const trace of [link, body.toString("hex"), Buffer.from(link).toString("hex")]) assert.ok(!said.includes(trace));
  assert.ok(said.includes("user.password-reset-sent"));
});

test("invariant 3: of twenty uses of one link at once, one is told whose it is; looking at it uses nothing up", async () => {
  const ada = await userOf(acme);
  await bench.ok(resetPassword, owner, { id: ada.id });
  const link = readMailLink(linkIn((await mails(acme)).at(-1)));
  assert.ok(link);
  assert.equal(link.tenant, acme);
  const now = bench.clock.ms;
  for (let turn = 0; turn < 2; turn += 1)
    assert.deepEqual(await within((tx) => peekMailLink(tx, link, "reset_password", now)), {
      user: ada.id,
      email: ada.email,
    });
  // It is no proof of an address, and nothing in another tenant.
  assert.equal(await within((tx) => useMailLink(tx, link, "verify_email", now)), undefined);
  const other = await bench.tenant();
  assert.equal(await within((tx) => useMailLink(tx, link, "reset_password", now), other), undefined);
  const uses = await Promise.all(
    Array.from({ length: 20 }, () => within((tx) => useMailLink(tx, link, "reset_password", now))),
  );
  assert.deepEqual(
    uses.filter((one) => one !== undefined),
    [{ user: ada.id, email: ada.email }],
  );
  assert.equal(await within((tx) => peekMailLink(tx, link, "reset_password", now)), undefined);
});

test("a link ends after half an hour", async () => {
  const ada = await userOf(acme);
  const { expire_time } = await bench.ok(resetPassword, owner, { id: ada.id });
  const link = readMailLink(linkIn((await mails(acme)).at(-1)));
  assert.ok(link);
  const ends = Date.parse(String(expire_time));
  assert.equal(ends, bench.clock.ms + 30 * 60_000);
  assert.equal(await within((tx) => useMailLink(tx, link, "reset_password", ends)), undefined);
  assert.ok(await within((tx) => useMailLink(tx, link, "reset_password", ends - 1)));
});

test("a mailbox is not flooded: five links an hour, then 429 and when to come back", async () => {
  const ada = await userOf(acme);
  for (let n = 0; n < links_per_hour_max; n += 1) await bench.ok(resetPassword, owner, { id: ada.id });
  const fault = await bench.refused("rate_limited", resetPassword, owner, { id: ada.id });
  assert.equal(fault.retryAfterSeconds, 3600);
});

test("users.resetPassword: another tenant's user is not there, a suspended one gets no mail, and it needs users:reset", async () => {
  const stranger = await userOf(await bench.tenant());
  await bench.refused("not_found", resetPassword, owner, { id: stranger.id });
  const ada = await userOf(acme);
  await bench.refused("permission_denied", resetPassword, await bench.callerWith(acme, "member"), { id: ada.id });
  await bench.ok(suspendUser, owner, { id: ada.id });
  const before = (await mails(acme)).length;
  await bench.refused("illegal_transition", resetPassword, owner, { id: ada.id });
  assert.equal((await mails(acme)).length, before);
});

const withFactors = async (role?: string) => {
  const ada = await userOf(acme, role);
  const now = bench.clock.ms;
  await within(async (tx) => {
    const begun = await beginTotp(tx, sealKey, {
      ...ada,
      accountName: ada.email,
      issuerName: "Acme",
      displayName: "A phone",
      now,
    });
    assert.ok("id" in begun);
    const bits = Array.from(begun.secret, (sign) =>
      "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(sign).toString(2).padStart(5, "0"),
    ).join("");
    const seed = Buffer.from((bits.match(/.{8}/g) ?? []).map((octet) => Number.parseInt(octet, 2)));
    assert.ok(await confirmTotp(tx, sealKey, { ...ada, id: begun.id }, codeAt(seed, stepAt(now)), now));
    await newRecoveryCodes(tx, ada, now);
    await tx.query(
      "test.passkey",
      `insert into passkeys (tenant_id, id, user_id, credential_id, public_key, counter, transports, backed_up, display_name, create_time)
       values ($1, $2, $3, $4, $4, 0, '{}', false, 'A key', now())`,
      [acme, newId(), ada.user, Buffer.from(newId())],
    );
    await tx.query(
      "test.device",
      `insert into remembered_devices (tenant_id, id, user_id, hash, display_name, create_time, expire_time)
       values ($1, $2, $3, $4, 'A browser', now(), now() + interval '1 day')`,
      [acme, newId(), ada.user, Buffer.from(newId())],
    );
  });
  return ada;
};

test("users.resetSecondFactors takes every factor and every remembered browser away, says how many, and tells the human by mail", async () => {
  const ada = await withFactors();
  const other = await withFactors();
  const answer = await bench.ok(resetSecondFactors, owner, { id: ada.id });
  assert.deepEqual([answer["totp_devices"], answer["passkeys"], answer["recovery_codes"]], [1, 1, 10]);
  assert.deepEqual(await within((tx) => secondFactorsOf(tx, ada)), { totp: 0, passkeys: 0, recoveryCodes: 0 });
  const devices = (of: string) =>
    bench.sql(acme, "test.devices", "select id from remembered_devices where tenant_id = $1 and user_id = $2", [
      acme,
      of,
    ]);
  assert.equal((await devices(ada.id)).length, 0);
  assert.equal((await devices(other.id)).length, 1);
  assert.equal(await within((tx) => recoveryCodesLeft(tx, other)), 10);
  const mail = (await mails(acme)).at(-1);
  assert.deepEqual([mail?.template, mail?.to], ["second_factor_changed", ada.email]);
});

test("invariant 8: nobody takes the second factors of a human who holds more than they do", async () => {
  const boss = await withFactors("owner");
  await bench.refused("permission_denied", resetSecondFactors, await bench.callerWith(acme, "admin"), { id: boss.id });
  assert.equal((await within((tx) => secondFactorsOf(tx, boss))).totp, 1);
  await bench.ok(resetSecondFactors, owner, { id: boss.id });
});

test("whose account goes, of them nothing is left that proves anything; of others all is", async () => {
  const [ada, other] = [await withFactors(), await withFactors()];
  for (const one of [ada, other]) {
    await within((tx) => writePassword(tx, one.user, "$argon2id$", bench.clock.ms));
    await bench.ok(resetPassword, owner, { id: one.id });
  }
  await within((tx) => removeCredentials(tx, ada));
  const links = (of: string) =>
    bench.sql(acme, "test.links", "select id from mail_links where tenant_id = $1 and user_id = $2", [acme, of]);
  assert.deepEqual(await within((tx) => secondFactorsOf(tx, ada)), { totp: 0, passkeys: 0, recoveryCodes: 0 });
  assert.equal(await within((tx) => readPassword(tx, ada.user)), null);
  assert.equal((await links(ada.id)).length, 0);
  assert.deepEqual(await within((tx) => secondFactorsOf(tx, other)), { totp: 1, passkeys: 1, recoveryCodes: 10 });
  assert.equal(await within((tx) => readPassword(tx, other.user)), "$argon2id$");
  assert.equal((await links(other.id)).length, 1);
});
