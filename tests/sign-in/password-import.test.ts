// Passwords that come from elsewhere: the vectors of their specifications verify, what would be too costly is refused, nobody is taken over.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { isFault } from "../../core/faults.ts";
import { type PrincipalId, rootNode, type TenantId } from "../../core/ids.ts";
import { importedHash } from "../../server/credentials/passwords/imported-hash.ts";
import { importPassword } from "../../server/credentials/passwords/import-password.ts";
import { openPasswordHasher } from "../../server/credentials/passwords/hasher.ts";
import { readPassword, replaceHash, writePassword } from "../../server/credentials/passwords/store.ts";
import { newId } from "../../server/platform/random.ts";
import { permissionsOf } from "../../server/operations/patterns.ts";
import { insertMembership } from "../../server/principals/memberships/store.ts";
import { registerUser } from "../../server/principals/users/register-user.ts";
import { suspendUser } from "../../server/principals/users/suspend-user.ts";
import { openWorkbench } from "../support/engine.ts";

const hasher = openPasswordHasher();
after(hasher.close);
const bench = await openWorkbench();
after(bench.close);

const base64 = (hex: string): string => Buffer.from(hex, "hex").toString("base64").replace(/=+$/, "");
const rfc7914 = {
  // §12, N=1024 r=8 p=16
  scrypt:
    "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640",
  // §11, c=80000
  pbkdf2:
    "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d",
};

/** What each is, the hash as the other system has it, and its password. */
const imports: readonly (readonly [string, string, string])[] = [
  [
    "argon2id, PHC",
    "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    "password",
  ],
  ["argon2i, PHC", "$argon2i$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG", "password"],
  [
    "argon2i of version 16",
    "$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ",
    "password",
  ],
  ["bcrypt 2a", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"],
  ["bcrypt 2y, as PHP writes it", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"],
  ["bcrypt 2b", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"],
  ["bcrypt, as Django writes it", "bcrypt$$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"],
  ["bcrypt, as Spring writes it", "{bcrypt}$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"],
  [
    "argon2, as Django writes it",
    "argon2$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    "password",
  ],
  ["scrypt of RFC 7914 §12, PHC", `$scrypt$ln=10,r=8,p=16$TmFDbA$${base64(rfc7914.scrypt)}`, "password"],
  [
    "scrypt, as passlib writes it",
    "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
    "password",
  ],
  [
    "scrypt, as Django writes it",
    `scrypt$1024$NaCl$8$16$${Buffer.from(rfc7914.scrypt, "hex").toString("base64")}`,
    "password",
  ],
  ["scrypt, as Werkzeug writes it", `scrypt:1024:8:16$NaCl$${rfc7914.scrypt}`, "password"],
  [
    "PBKDF2 of RFC 6070, SHA-1",
    `$pbkdf2$i=4096$${base64(Buffer.from("salt").toString("hex"))}$${base64("4b007901b765489abead49d926f721d065a429c1")}`,
    "password",
  ],
  ["PBKDF2 of RFC 7914 §11, PHC", `$pbkdf2-sha256$i=80000,l=64$TmFDbA$${base64(rfc7914.pbkdf2)}`, "Password"],
  [
    "PBKDF2, as passlib writes it",
    "$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk",
    "toomanysecrets",
  ],
  [
    "PBKDF2, as Django writes it",
    `pbkdf2_sha256$80000$NaCl$${Buffer.from(rfc7914.pbkdf2, "hex").toString("base64")}`,
    "Password",
  ],
  ["PBKDF2, as Werkzeug writes it", `pbkdf2:sha256:80000$NaCl$${rfc7914.pbkdf2}`, "Password"],
];

for (const [what, hash, password] of imports)
  test(`an imported hash verifies, and asks to be replaced: ${what}`, async () => {
    const imported = importedHash(hash);
    assert.ok(!isFault(imported), JSON.stringify(imported));
    assert.deepEqual(await hasher.verify(imported.stored, password), { matches: true, rehash: true });
    assert.deepEqual(await hasher.verify(imported.stored, `${password}!`), { matches: false, rehash: false });
  });

test("a bcrypt hash is verified on the first 72 octets, as bcrypt does; the hash that replaces it is of the whole", async () => {
  const typed = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored";
  const stored = "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui";
  assert.deepEqual(await hasher.verify(stored, typed), { matches: true, rehash: true });
  assert.deepEqual(await hasher.verify(stored, typed.slice(0, 72)), { matches: true, rehash: true });
  assert.deepEqual(await hasher.verify(stored, typed.slice(0, 71)), { matches: false, rehash: false });
  const renewed = await hasher.hash(typed);
  assert.ok(!isFault(renewed));
  assert.deepEqual(await hasher.verify(renewed, typed), { matches: true, rehash: false });
  assert.deepEqual(await hasher.verify(renewed, typed.slice(0, 72)), { matches: false, rehash: false });
});

test("other systems hashed what was typed: an imported hash of text that is in no normal form still verifies", async () => {
  const typed = "cafe\u0301 nai\u0308ve";
  const { hash } = await import("@node-rs/bcrypt");
  assert.equal(isFault(await hasher.verify(await hash(typed, { cost: 4 }), typed)), false);
  assert.deepEqual(await hasher.verify(await hash(typed, { cost: 4 }), typed), { matches: true, rehash: true });
});

const octets = (length: number): string => Buffer.alloc(length, 7).toString("base64").replace(/=+$/, "");
const refused: readonly (readonly [string, string])[] = [
  ["memory beyond the bound", `$argon2id$v=19$m=1048576,t=1,p=1$${octets(16)}$${octets(32)}`],
  ["too many passes", `$argon2id$v=19$m=65536,t=17,p=1$${octets(16)}$${octets(32)}`],
  ["too many lanes", `$argon2id$v=19$m=65536,t=1,p=17$${octets(16)}$${octets(32)}`],
  ["no memory", `$argon2id$v=19$m=0,t=1,p=1$${octets(16)}$${octets(32)}`],
  ["a key id", `$argon2id$v=19$m=65536,t=1,p=1,keyid=AAAA$${octets(16)}$${octets(32)}`],
  ["bcrypt's cost beyond the bound", `$2b$15$${"a".repeat(53)}`],
  ["bcrypt's cost below what there is", `$2b$03$${"a".repeat(53)}`],
  ["bcrypt's faulty variant", `$2x$05$${"a".repeat(53)}`],
  ["scrypt's memory beyond the bound", `$scrypt$ln=18,r=8,p=1$${octets(16)}$${octets(32)}`],
  ["scrypt's work beyond the bound", `$scrypt$ln=17,r=8,p=5$${octets(16)}$${octets(32)}`],
  ["scrypt with a cost that is no power of two", `scrypt$1000$salt$8$1$${octets(32)}`],
  ["scrypt with a cost that overflows", `$scrypt$ln=99,r=8,p=1$${octets(16)}$${octets(32)}`],
  ["too many iterations", `$pbkdf2-sha256$i=2000001$${octets(16)}$${octets(32)}`],
  ["no iterations", `$pbkdf2-sha256$i=0$${octets(16)}$${octets(32)}`],
  ["a digest that is broken", `$pbkdf2-md5$i=1000$${octets(16)}$${octets(32)}`],
  ["a hash so short that much would match", `$pbkdf2-sha256$i=1000$${octets(16)}$${octets(8)}`],
  ["a hash beyond any use", `$pbkdf2-sha256$i=1000$${octets(16)}$${octets(65)}`],
  ["no salt", `$pbkdf2-sha256$i=1000$$${octets(32)}`],
  ["MD5", "5f4dcc3b5aa765d61d8327deb882cf99"],
  ["a password", "correct horse battery staple"],
  [
    "sha512crypt, which is not among the forms",
    "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/",
  ],
  ["base64 that is none", `$argon2id$v=19$m=65536,t=1,p=1$${octets(16)}$${octets(32)}AA`],
  ["text without end", `$argon2id$${"a".repeat(10_000)}`],
];
for (const [what, hash] of refused)
  test(`an imported hash is refused, so that verifying it cannot stop the server: ${what}`, async () => {
    const answer = importedHash(hash);
    assert.ok(isFault(answer) && answer.fault === "not_admissible", JSON.stringify(answer));
    assert.ok(!answer.detail.includes(hash), "the answer repeats the hash");
    // Held again where it is verified, should one have got into the table.
    assert.deepEqual(await hasher.verify(hash, "x"), { matches: false, rehash: false });
  });

// ── the operation ──

const bcrypt = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
const acme = await bench.tenant();
const owner = await bench.ownerOf(acme);
const userOf = async (tenant: TenantId, role?: string) =>
  bench.ok(
    registerUser,
    bench.host,
    {
      parent: bench.rootRef(tenant),
      email: `${newId()}@acme.example`,
      display_name: "Ada",
      ...(role === undefined ? {} : { role }),
    },
    { tenant: bench.rootRef(tenant) },
  );
const stored = (tenant: TenantId, user: string) =>
  bench.engine.platform.database.transaction(tenant, (tx) => readPassword(tx, user as PrincipalId));

test("users.importPassword: the hash is stored, and neither the answer, the event nor the audit entry has it", async () => {
  const ada = await userOf(acme);
  const answer = await bench.ok(importPassword, owner, { id: ada.id, password_hash: `{bcrypt}${bcrypt}` });
  assert.deepEqual(answer, { id: ada.id, resource: ada.resource });
  assert.equal(await stored(acme, ada.id), bcrypt);
  const said = JSON.stringify([await bench.events(acme), await bench.audit(acme)]);
  assert.ok(said.includes("user.password-imported") && !said.includes("E5YPO9kmyuRG"));
});

test("users.importPassword replaces no password: of twenty at once one is stored", async () => {
  const ada = await userOf(acme);
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => bench.call(importPassword, owner, { id: ada.id, password_hash: bcrypt })),
  );
  assert.equal(answers.filter((one) => !isFault(one)).length, 1);
  for (const one of answers) if (isFault(one)) assert.equal(one.fault, "already_exists");
});

test("a sign-in's rehash never undoes a password that was changed meanwhile", async () => {
  const ada = await userOf(acme);
  const user = ada.id as PrincipalId;
  const { database } = bench.engine.platform;
  await bench.ok(importPassword, owner, { id: ada.id, password_hash: bcrypt });
  await database.transaction(acme, (tx) => writePassword(tx, user, "$argon2id$new", bench.clock.ms));
  assert.equal(await database.transaction(acme, (tx) => replaceHash(tx, user, bcrypt, "$argon2id$rehash")), false);
  assert.equal(await stored(acme, ada.id), "$argon2id$new");
  assert.equal(
    await database.transaction(acme, (tx) => replaceHash(tx, user, "$argon2id$new", "$argon2id$rehash")),
    true,
  );
});

test("invariant 8: nobody gives a password to a human who holds more than they do", async () => {
  const admin = await bench.callerWith(acme, "admin");
  const boss = await userOf(acme, "owner");
  await bench.refused("permission_denied", importPassword, admin, { id: boss.id, password_hash: bcrypt });
  assert.equal(await stored(acme, boss.id), null);
  const member = await userOf(acme, "member");
  await bench.ok(importPassword, admin, { id: member.id, password_hash: bcrypt });
  // A token that carries less than its owner holds gives less away.
  const narrow = await bench.as(acme, owner.principal, permissionsOf(bench.model, acme, ["users:reset"]));
  const other = await userOf(acme, "member");
  await bench.refused("permission_denied", importPassword, narrow, { id: other.id, password_hash: bcrypt });
});

test("invariant 8: nor to one who is a member of another tenant too, but the host", async () => {
  const other = await bench.tenant("Other");
  const ada = await userOf(acme);
  const membership = {
    tenant: other,
    id: newId<string>(),
    user: ada.id as PrincipalId,
    home: acme,
    node: { id: rootNode(other), type: bench.rootType.type },
    revision: 1,
    createTime: new Date(bench.clock.ms),
    updateTime: new Date(bench.clock.ms),
  };
  await bench.engine.platform.database.transaction(other, (tx) => insertMembership(tx, membership));
  await bench.refused("permission_denied", importPassword, owner, { id: ada.id, password_hash: bcrypt });
  await bench.ok(importPassword, bench.host, { id: ada.id, password_hash: bcrypt }, { tenant: bench.rootRef(acme) });
});

test("users.importPassword: another tenant's user is not there; a suspended one gets none; a bad hash is 422 and names the field", async () => {
  const other = await bench.tenant("Other");
  const stranger = await userOf(other);
  await bench.refused("not_found", importPassword, owner, { id: stranger.id, password_hash: bcrypt });
  const ada = await userOf(acme);
  const fault = await bench.refused("not_admissible", importPassword, owner, { id: ada.id, password_hash: "$2b$31$x" });
  assert.equal(fault.errors?.[0]?.path, "password_hash");
  await bench.ok(suspendUser, owner, { id: ada.id });
  await bench.refused("illegal_transition", importPassword, owner, { id: ada.id, password_hash: bcrypt });
});
