// Passkeys, against an authenticator in software: what WebAuthn says to check is checked, each answer counts once, and only for its human.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { after, test } from "node:test";
import fc from "fast-check";
import { isFault, type Result } from "../../core/faults.ts";
import type { PrincipalId } from "../../core/ids.ts";
import { challenge_ttl_seconds } from "../../server/credentials/passkeys/challenge.ts";
import {
  listPasskeys,
  namedByPasskey,
  type Passkey,
  passkeyCounterWentBack,
  passkeyCreationOptions,
  type PasskeyOptions,
  passkeyRefused,
  passkeyRequestOptions,
  passkeys_max,
  registerPasskey,
  removePasskey,
  renamePasskey,
  type UsedPasskey,
  usePasskey,
} from "../../server/credentials/passkeys/passkeys.ts";
import type { Tx } from "../../server/platform/database/database.ts";
import { newId } from "../../server/platform/random.ts";
import { registerUser } from "../../server/principals/users/register-user.ts";
import { openWorkbench } from "../support/engine.ts";
import { type Algorithm, type Authenticator, newAuthenticator, type Twist } from "./software-authenticator.ts";

const bench = await openWorkbench();
after(bench.close);
const origin = "https://id.acme.example";
const needs = { issuer: `${origin}/auth`, sealKey: bench.engine.sealKey };
const home = await bench.tenant();
const owner = await bench.ownerOf(home);
const now = bench.clock.ms;

const human = async () => {
  const input = { parent: bench.rootRef(home), email: `${newId()}@acme.example`, display_name: "Ada" };
  return { home, user: (await bench.ok(registerUser, owner, input)).id as PrincipalId };
};
type Human = Awaited<ReturnType<typeof human>>;
const within = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => bench.engine.platform.database.transaction(home, work);
const good = <T>(result: Result<T>): T => {
  assert.ok(!isFault(result), JSON.stringify(result));
  return result;
};

const names = { accountName: "ada@acme.example", displayName: "Ada Lovelace", serviceName: "Acme" };
const creation = async (of: Human): Promise<PasskeyOptions> =>
  good(await within((tx) => passkeyCreationOptions(needs, tx, { ...of, ...names, now })));
const register = (of: Human, response: unknown, at = now, displayName = "A key"): Promise<Result<Passkey>> =>
  within((tx) => registerPasskey(needs, tx, { ...of, response, displayName, now: at }));
const registered = async (authenticator: Authenticator, of?: Human) => {
  const ada = of ?? (await human());
  return { ada, authenticator, passkey: good(await register(ada, authenticator.create(await creation(ada)))) };
};
const request = (second?: Human): Promise<PasskeyOptions> =>
  within((tx) => passkeyRequestOptions(needs, second === undefined ? { now } : { now, second: { tx, human: second } }));
const use = (of: Human, response: unknown, second = false, at = now): Promise<Result<UsedPasskey>> =>
  within((tx) => usePasskey(needs, tx, { response, human: of, second, now: at }));

for (const algorithm of ["ES256", "EdDSA", "RS256"] as const satisfies readonly Algorithm[])
  test(`a passkey (${algorithm}) is registered, named, and signs in with no name typed`, async () => {
    const { ada, authenticator, passkey } = await registered(newAuthenticator({ origin, algorithm, synced: true }));
    assert.deepEqual(
      { ...passkey, id: "", createTime: 0 },
      {
        id: "",
        displayName: "A key",
        createTime: 0,
        useTime: null,
        backedUp: true,
        transports: ["hybrid", "internal"],
      },
    );
    const proven = authenticator.get(await request());
    assert.deepEqual(namedByPasskey(proven), ada);
    assert.deepEqual(await use(ada, proven), { ...ada, id: passkey.id, userVerified: true, method: "swk" });
    const [kept] = await within((tx) => listPasskeys(tx, ada));
    assert.equal(kept?.useTime?.getTime(), now);
  });

test("registration is offered as passkeys need it: the host as relying party, findable, no attestation, none twice", async () => {
  const { ada, authenticator } = await registered(newAuthenticator({ origin }));
  const options = await creation(ada);
  assert.deepEqual(options["rp"], { id: "id.acme.example", name: "Acme" });
  assert.equal(options["attestation"], "none");
  assert.deepEqual(
    (options["pubKeyCredParams"] as { alg: number }[]).map(({ alg }) => alg),
    [-8, -7, -257],
  );
  const selection = options["authenticatorSelection"] as Record<string, unknown>;
  assert.equal(selection["residentKey"], "preferred");
  assert.equal(selection["userVerification"], "preferred");
  assert.deepEqual(
    (options["excludeCredentials"] as { id: string }[]).map(({ id }) => id),
    [authenticator.id],
  );
  // WebAuthn §14.6.1: the handle holds nothing about the person; 32 octets that say where to look.
  const { id, name, displayName } = options["user"] as { id: string; name: string; displayName: string };
  assert.equal(Buffer.from(id, "base64url").toString("hex"), `${home}${ada.user}`.replaceAll("-", ""));
  assert.deepEqual([name, displayName], [names.accountName, names.displayName]);
});

test("a request without a human names nobody and asks for verification; one for a second factor names that human's keys", async () => {
  const { ada, authenticator } = await registered(newAuthenticator({ origin }));
  const anybody = await request();
  assert.equal(anybody["userVerification"], "required");
  assert.deepEqual(anybody["allowCredentials"] ?? [], []);
  assert.equal(anybody["rpId"], "id.acme.example");
  const hers = await request(ada);
  assert.equal(hers["userVerification"], "preferred");
  assert.deepEqual(
    (hers["allowCredentials"] as { id: string }[]).map(({ id }) => id),
    [authenticator.id],
  );
});

test("as a second factor a key that verifies nobody is enough, and says so; alone it is not", async () => {
  const { ada, authenticator, passkey } = await registered(newAuthenticator({ origin, userVerified: false }));
  const proven = authenticator.get(await request(ada), { userHandle: undefined });
  assert.equal(namedByPasskey(proven), undefined);
  assert.deepEqual(await use(ada, proven, true), { ...ada, id: passkey.id, userVerified: false, method: "hwk" });
  assert.equal(await use(ada, authenticator.get(await request())), passkeyRefused);
});

test("invariant 3: of twenty uses of one answer at once one counts; a challenge is good once", async () => {
  const { ada, authenticator } = await registered(newAuthenticator({ origin, counts: false }));
  const options = await request();
  const proven = authenticator.get(options);
  const uses = await Promise.all(Array.from({ length: 20 }, () => use(ada, proven)));
  assert.equal(uses.filter((one) => !isFault(one)).length, 1);
  assert.equal(await use(ada, authenticator.get(options)), passkeyRefused);
  assert.ok(!isFault(await use(ada, authenticator.get(await request()))));
});

test("of twenty registrations of one answer at once one counts", async () => {
  const ada = await human();
  const response = newAuthenticator({ origin }).create(await creation(ada));
  const answers = await Promise.all(Array.from({ length: 20 }, () => register(ada, response)));
  assert.equal(answers.filter((one) => !isFault(one)).length, 1);
  assert.equal((await within((tx) => listPasskeys(tx, ada))).length, 1);
});

test("WebAuthn §7.2 step 22: a counter that does not rise is refused and told apart; one that rises again is taken", async () => {
  const { ada, authenticator } = await registered(newAuthenticator({ origin }));
  assert.ok(!isFault(await use(ada, authenticator.get(await request(), { counter: 10 }))));
  for (const counter of [10, 9, 0])
    assert.equal(
      await use(ada, authenticator.get(await request(), { counter })),
      passkeyCounterWentBack,
      String(counter),
    );
  // Not for a signature that is wrong: whoever has no key cannot make it look copied.
  const { privateKey: key } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  assert.equal(await use(ada, authenticator.get(await request(), { counter: 1, key })), passkeyRefused);
  assert.ok(!isFault(await use(ada, authenticator.get(await request(), { counter: 11 }))));
});

test("two answers of one counter at once: one counts", async () => {
  const { ada, authenticator } = await registered(newAuthenticator({ origin }));
  const answers = await Promise.all(
    Array.from({ length: 10 }, async () => authenticator.get(await request(), { counter: 5 })),
  );
  const uses = await Promise.all(answers.map((one) => use(ada, one)));
  assert.equal(uses.filter((one) => !isFault(one)).length, 1);
});

const { privateKey: anotherKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const twists: readonly (readonly [string, Twist])[] = [
  ["another origin", { origin: "https://id.acme.example.evil.example" }],
  ["another port", { origin: "https://id.acme.example:8443" }],
  ["plain http", { origin: "http://id.acme.example" }],
  ["another relying party", { rpId: "evil.example" }],
  ["a parent domain as relying party", { rpId: "acme.example" }],
  ["the other ceremony's type", { type: "webauthn.create" }],
  ["a frame of another origin", { crossOrigin: true }],
  ["nobody present", { userPresent: false }],
  ["nobody verified", { userVerified: false }],
  ["another key", { key: anotherKey }],
  ["a challenge that is none of ours", { challenge: Buffer.alloc(54, 1).toString("base64url") }],
  ["a challenge that is none at all", { challenge: "" }],
  ["another human's handle", { userHandle: Buffer.alloc(32, 1) }],
  ["no handle", { userHandle: undefined }],
];
for (const [what, twist] of twists)
  test(`WebAuthn §7.2: an answer is refused that was made with ${what}`, async () => {
    const { ada, authenticator } = await registered(newAuthenticator({ origin }));
    assert.equal(await use(ada, authenticator.get(await request(), twist)), passkeyRefused);
    assert.ok(!isFault(await use(ada, authenticator.get(await request()))));
  });

for (const [what, twist] of twists.filter(
  ([, one]) => !("userHandle" in one) && !("key" in one) && one.userVerified === undefined,
))
  test(`WebAuthn §7.1: a registration is refused that was made with ${what.replace("other ceremony's type", "type of signing in")}`, async () => {
    const ada = await human();
    const turned = what.startsWith("the other") ? { type: "webauthn.get" } : twist;
    assert.equal(await register(ada, newAuthenticator({ origin }).create(await creation(ada), turned)), passkeyRefused);
    assert.deepEqual(await within((tx) => listPasskeys(tx, ada)), []);
  });

test("a challenge is for one use and one human: each of the others refuses it", async () => {
  const { ada, authenticator } = await registered(newAuthenticator({ origin }));
  const { ada: grace, authenticator: hers } = await registered(newAuthenticator({ origin }));
  const refused: readonly (readonly [string, Result<unknown>])[] = [
    ["usernameless as second factor", await use(ada, authenticator.get(await request()), true)],
    ["second factor as usernameless", await use(ada, authenticator.get(await request(ada)))],
    ["another human's second factor", await use(ada, authenticator.get(await request(grace)), true)],
    ["creating as usernameless", await use(ada, authenticator.get(await creation(ada)))],
    [
      "usernameless as creating",
      await register(ada, newAuthenticator({ origin }).create({ ...(await creation(ada)), ...(await request()) })),
    ],
    ["another human's creating", await register(ada, newAuthenticator({ origin }).create(await creation(grace)))],
    ["another human's passkey", await use(ada, hers.get(await request(ada)), true)],
    ["another human's passkey under this handle", await use(ada, hers.get(await request()))],
  ];
  for (const [what, result] of refused) assert.equal(result, passkeyRefused, what);
});

test("a challenge ends after five minutes, and one that was changed in any octet is none", async () => {
  const { ada, authenticator } = await registered(newAuthenticator({ origin }));
  const ends = now + challenge_ttl_seconds * 1000;
  assert.equal(await use(ada, authenticator.get(await request()), false, ends), passkeyRefused);
  assert.ok(!isFault(await use(ada, authenticator.get(await request()), false, ends - 1)));
  const { challenge } = await request();
  for (const at of [0, 5, 6, 21, 22, 53]) {
    const octets = Buffer.from(challenge, "base64url");
    octets[at] = (octets[at] ?? 0) ^ 1;
    const changed = octets.toString("base64url");
    assert.equal(await use(ada, authenticator.get({ challenge: changed })), passkeyRefused, String(at));
  }
});

test("another deployment's challenge is none of ours", async () => {
  const { ada, authenticator } = await registered(newAuthenticator({ origin }));
  const theirs = await passkeyRequestOptions({ ...needs, sealKey: { octets: Buffer.alloc(32, 9) } }, { now });
  assert.equal(await use(ada, authenticator.get(theirs)), passkeyRefused);
});

test("a passkey is registered once in a tenant, whoever asks: another human cannot claim it", async () => {
  const { authenticator } = await registered(newAuthenticator({ origin }));
  const grace = await human();
  const again = await register(grace, authenticator.create(await creation(grace)));
  assert.ok(isFault(again) && again.fault === "already_exists");
});

test("passkeys are renamed and removed by their human only; a removed one signs in no more; twenty are the most", async () => {
  const { ada, authenticator, passkey } = await registered(newAuthenticator({ origin }));
  const grace = await human();
  const key = { ...ada, id: passkey.id };
  assert.equal(await within((tx) => renamePasskey(tx, { ...grace, id: passkey.id }, "Hers")), false);
  assert.equal(await within((tx) => removePasskey(tx, { ...grace, id: passkey.id })), false);
  assert.equal(await within((tx) => renamePasskey(tx, key, "The blue one")), true);
  assert.deepEqual(
    (await within((tx) => listPasskeys(tx, ada))).map(({ displayName }) => displayName),
    ["The blue one"],
  );
  assert.equal(await within((tx) => removePasskey(tx, key)), true);
  assert.equal(await use(ada, authenticator.get(await request())), passkeyRefused);

  const pending = newAuthenticator({ origin }).create(await creation(ada));
  for (let n = 0; n < passkeys_max; n += 1) await registered(newAuthenticator({ origin }), ada);
  for (const refused of [
    await register(ada, pending),
    await within((tx) => passkeyCreationOptions(needs, tx, { ...ada, ...names, now })),
  ])
    assert.ok(isFault(refused) && refused.fault === "not_admissible" && refused !== passkeyRefused);
});

test("whatever is sent instead of an answer is refused, never thrown at", async () => {
  const ada = await human();
  const { authenticator } = await registered(newAuthenticator({ origin }), ada);
  const proven = authenticator.get(await request());
  const created = newAuthenticator({ origin }).create(await creation(ada));
  const sent: readonly unknown[] = [
    undefined,
    null,
    "x",
    [],
    {},
    { ...proven, id: "other" },
    { ...proven, type: "password" },
    { ...proven, response: { ...proven.response, signature: "" } },
    { ...proven, response: { ...proven.response, authenticatorData: "AAAA" } },
    { ...proven, response: { ...proven.response, clientDataJSON: "AAAA" } },
    { ...proven, response: { ...proven.response, userHandle: "AAAA" } },
    { ...created, response: { ...created.response, attestationObject: "AAAA" } },
    { ...proven, response: { ...proven.response, signature: "A".repeat(10_000) } },
  ];
  for (const response of sent) {
    assert.equal(await use(ada, response), passkeyRefused);
    assert.equal(await register(ada, response), passkeyRefused);
    assert.doesNotThrow(() => namedByPasskey(response));
  }
  fc.assert(fc.property(fc.jsonValue(), (response) => assert.equal(namedByPasskey(response), undefined)));
});
