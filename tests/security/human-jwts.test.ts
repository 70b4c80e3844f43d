// security.md test 7 for the tokens of humans, in what tests/oauth/human-tokens.test.ts leaves open: text that two readers could read in two
// ways, numbers that are none, keys of others, and each kind of token in the place of each other, over two processes.
import assert from "node:assert/strict";
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import { after, test } from "node:test";
import { startDeployment } from "../oauth/deployment.ts";
import { grantsKit } from "../oauth/grants-kit.ts";
import { encoded, es256, type Fields, partsOf } from "../oauth/jwt.ts";

const deployment = await startDeployment({ servers: 2 });
const foreign = await startDeployment();
after(async () => {
  await deployment.close();
  await foreign.close();
});
const kit = grantsKit(deployment);
const acme = await deployment.tenant();
const ada = await kit.human(acme, { role: "owner" });
const app = await kit.application();
const tokens = await kit.tokens(app, ada, { scope: "openid accounts:read" });
const ours = await deployment.signingKey();
const access = partsOf(tokens.access_token);
const id = partsOf(tokens.id_token);

const json = (value: unknown): string => JSON.stringify(value);
/** Header and claims as text, so that they may be what JSON.stringify would never write. */
const token = (header: string, claims: string, by: KeyObject = ours.key): string => {
  const input = `${encoded(header)}.${encoded(claims)}`;
  return `${input}.${es256(input, by)}`;
};
const dead = async (text: string, why: string): Promise<void> => {
  for (const on of [0, 1]) {
    assert.equal((await deployment.get("/v1/accounts", text, on)).status, 401, why);
    assert.equal((await deployment.get("/oauth/userinfo", text, on)).status, 401, why);
    assert.equal(await deployment.introspect(text, on), '{"active":false}', why);
  }
};

test("our own key signs the unchanged text, and it is accepted: the others are refused for what they say", async () => {
  for (const on of [0, 1])
    assert.equal(
      (await deployment.get("/v1/accounts", token(json(access.header), json(access.claims)), on)).status,
      200,
    );
});

test("exp that is no number: beyond what is one, in words, in a list, missing, zero, before all time", async () => {
  const without = Object.fromEntries(
    Object.entries(access.claims).filter(([name]) => name !== "exp" && name !== "tenant_id"),
  );
  const tail = `"tenant_id":${json(access.claims["tenant_id"])}}`;
  const claims = (exp: string): string => `${json(without).slice(0, -1)},${exp}${tail}`;
  assert.equal(
    (await deployment.get("/v1/accounts", token(json(access.header), claims(`"exp":${String(access.claims["exp"])},`))))
      .status,
    200,
  );
  for (const exp of [
    "",
    '"exp":1e999,',
    '"exp":-1e999,',
    '"exp":"NaN",',
    '"exp":NaN,',
    '"exp":null,',
    '"exp":[9999999999],',
    '"exp":{},',
    '"exp":true,',
    '"exp":0,',
    '"exp":-1,',
    '"exp":"9999999999",',
  ])
    await dead(token(json(access.header), claims(exp)), exp);
});

test("a member that comes twice, an array, and what is no object: nothing that two readers read in two ways", async () => {
  const header = json(access.header);
  const kid = `"kid":${json(ours.kid)}`;
  for (const text of [
    header.replace(kid, `"kid":${json(randomUUID())},${kid}`),
    `{"alg":"none",${header.slice(1)}`,
    `{"crit":["b64"],"b64":false,${header.slice(1)}`,
    `[${header}]`,
    "null",
    `${header} `,
    `\u{feff}${header}`,
  ])
    await dead(token(text, json(access.claims)), text);
  for (const text of ["null", "[]", `[${json(access.claims)}]`, '"text"', `${json(access.claims)}x`])
    await dead(token(header, text), text);
  const [one = "", two = "", three = ""] = tokens.access_token.split(".");
  for (const text of [
    `${one}.${two}`,
    `${one}..${three}`,
    `${one}.${two}.${three}.`,
    `${one}.${two}.${three}=`,
    ` ${tokens.access_token}x`,
    `${one}.${two}.${three.slice(0, -2)}`,
  ])
    await dead(text, text);
});

test("another deployment's key, another curve's, and a MAC of what is public, under the kid of ours", async () => {
  const theirs = await foreign.signingKey();
  const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
  const secp = generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey;
  for (const [what, key] of Object.entries({ theirs: theirs.key, p384, secp }))
    await dead(token(json(access.header), json(access.claims), key), what);
  await dead(token(json({ ...access.header, kid: theirs.kid }), json(access.claims), theirs.key), "their kid");
  const publics = [
    createPublicKey(ours.key).export({ format: "pem", type: "spki" }),
    createPublicKey(ours.key).export({ format: "der", type: "spki" }),
    json(ours.publicJwk),
  ];
  for (const alg of ["HS256", "HS384", "HS512", "ES256"])
    for (const secret of publics) {
      const input = `${encoded({ ...access.header, alg })}.${encoded(access.claims)}`;
      await dead(
        `${input}.${createHmac(`sha${alg === "ES256" ? "256" : alg.slice(2)}`, secret)
          .update(input)
          .digest("base64url")}`,
        alg,
      );
    }
  for (const alg of ["none", "None", "NONE", "nOnE", ""])
    await dead(`${encoded({ ...access.header, alg })}.${encoded(access.claims)}.`, alg);
  // DER in place of the two numbers (RFC 7518 §3.4).
  const input = `${encoded(access.header)}.${encoded(access.claims)}`;
  await dead(`${input}.${sign("sha256", Buffer.from(input), ours.key).toString("base64url")}`, "DER");
});

test("hints: an ID token that is forged, bent, another deployment's or client's, or no ID token, names nobody and ends nothing", async () => {
  const other = await kit.application();
  const theirs = await foreign.signingKey();
  const unsigned = (header: Fields): string => `${encoded({ ...id.header, ...header })}.${encoded(id.claims)}.`;
  const pem = createPublicKey(ours.key).export({ format: "pem", type: "spki" });
  const mac = (() => {
    const input = `${encoded({ ...id.header, alg: "HS256" })}.${encoded(id.claims)}`;
    return `${input}.${createHmac("sha256", pem).update(input).digest("base64url")}`;
  })();
  const hints: Readonly<Record<string, string>> = {
    none: unsigned({ alg: "none" }),
    HS256: mac,
    "an access token": tokens.access_token,
    "an access token's key and type": token(json({ ...access.header }), json(id.claims)),
    "another deployment's": token(json({ ...id.header, alg: "ES256", kid: theirs.kid }), json(id.claims), theirs.key),
    "another kid": token(json({ ...id.header, alg: "ES256", kid: randomUUID() }), json(id.claims)),
    "a logout token": token(json({ ...access.header, typ: "logout+jwt" }), json(id.claims)),
    "another client's": (await kit.tokens(other, ada)).id_token,
    bent: `${tokens.id_token.slice(0, -8)}AAAAAAAA`,
    rubbish: "a.b.c",
  };
  for (const [what, hint] of Object.entries(hints)) {
    const visit = await kit.authorize(app, { id_token_hint: hint, prompt: "none" }, ada);
    assert.ok(!(visit.headers.location ?? "").includes("code="), `${what}: ${visit.headers.location}`);
    const query = new URLSearchParams({
      id_token_hint: hint,
      client_id: app.client_id,
      post_logout_redirect_uri: "https://evil.example/",
    });
    const out = await deployment.send(`/oauth/logout?${query.toString()}`, { headers: { cookie: ada.cookie } });
    assert.ok(!(out.headers.location ?? "").startsWith("https://evil.example"), what);
    assert.equal(
      (await deployment.send("/account", { headers: { cookie: ada.cookie } }, 1)).status,
      200,
      `${what}: still signed in`,
    );
  }
  const fine = await kit.authorize(app, { id_token_hint: tokens.id_token, prompt: "none" }, ada);
  assert.ok(
    (fine.headers.location ?? "").includes("code="),
    "the right one is taken, so the refusals above are about the hint",
  );
});
