// security.md 7, for the tokens of humans: what is forged, taken for another kind of token, or moved elsewhere, opens nothing.
import assert from "node:assert/strict";
import { createHmac, createPublicKey, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { after, test } from "node:test";
import { startDeployment } from "./deployment.ts";
import { grantsKit, refused } from "./grants-kit.ts";
import { encoded, es256, type Fields, partsOf } from "./jwt.ts";

const deployment = await startDeployment();
after(deployment.close);
const kit = grantsKit(deployment);
const acme = await deployment.tenant();
const [ada, bob] = [await kit.human(acme, { role: "owner" }), await kit.human(acme, { role: "member" })];
const app = await kit.application({ scope: "openid accounts:*" });
const fields = { scope: "openid accounts:read" };
const tokens = await kit.tokens(app, ada, fields);
const ours = await deployment.signingKey();
const { header, claims } = partsOf(tokens.access_token);
const { tenant_id, ...unbound } = claims;

const token = (changedHeader: Fields, changed: Fields, by = (input: string) => es256(input, ours.key)): string => {
  // The tenant stands last, as the server writes it.
  const input = `${encoded({ ...header, ...changedHeader })}.${encoded({ ...unbound, ...changed, tenant_id: changed["tenant_id"] ?? tenant_id })}`;
  return `${input}.${by(input)}`;
};
const dead = async (text: string, why: string): Promise<void> => {
  assert.equal((await deployment.get("/v1/accounts", text)).status, 401, why);
  assert.equal((await deployment.get("/oauth/userinfo", text)).status, 401, why);
  assert.equal(await deployment.introspect(text), '{"active":false}', why);
};

test("what is signed anew by our own key, unchanged, is accepted: what follows is refused for what it says", async () => {
  assert.equal((await deployment.get("/v1/accounts", token({}, {}))).status, 200);
});

test("security.md 7: alg none, a MAC under the public key, another curve and another algorithm sign nothing", async () => {
  const pem = createPublicKey(ours.key).export({ format: "pem", type: "spki" });
  const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const mac = (input: string) => createHmac("sha256", pem).update(input).digest("base64url");
  await dead(
    token({ alg: "none" }, {}, () => ""),
    "none",
  );
  await dead(token({ alg: "HS256" }, {}, mac), "HS256");
  await dead(
    token({}, {}, (input) => es256(input, p384)),
    "P-384",
  );
  await dead(
    token({ alg: "RS256" }, {}, (input) => sign("sha256", Buffer.from(input), rsa).toString("base64url")),
    "RSA",
  );
});

test("security.md 7: headers that bring a key, a URL or an extension are refused, though our own key signed", async () => {
  for (const more of [
    { jwk: ours.publicJwk },
    { jku: `${deployment.issuer}/oauth/jwks` },
    { x5u: "https://x.example/" },
    { crit: ["exp"] },
  ])
    await dead(token(more, {}), JSON.stringify(more));
  for (const kid of ["../../etc/passwd", "' or 1=1 --", randomUUID(), ""]) await dead(token({ kid }, {}), kid);
});

test("security.md 7: the key of an ID token signs no access token, though it is ours", async () => {
  for (const alg of ["RS256", "PS256", "EdDSA"]) {
    const client = await kit.application({ id_token_signed_response_alg: alg });
    const { kid } = partsOf((await kit.tokens(client, ada)).id_token).header;
    await dead(token({ kid }, {}), `ES256 under the kid of ${alg}`);
    await dead(token({ kid, alg }, {}), alg);
  }
});

test("security.md 7: exp missing, past or no number; typ of an ID token or a logout token", async () => {
  for (const exp of [undefined, null, "never", 0, Math.floor(Date.now() / 1000) - 1])
    await dead(token({}, { exp }), String(exp));
  for (const typ of ["JWT", "logout+jwt", "dpop+jwt", undefined]) await dead(token({ typ }, {}), String(typ));
});

test("invariant 2: another's family, another tenant, no family, or a family that never was: nothing stands behind it", async () => {
  const globex = await deployment.tenant();
  const other = partsOf((await kit.tokens(app, bob, fields)).access_token).claims;
  await dead(token({}, { family: other["family"] }), "another human's family");
  await dead(token({}, { sub: bob.ref }), "another human");
  await dead(token({}, { family: undefined }), "no family");
  await dead(token({}, { family: randomUUID() }), "an unknown family");
  await dead(token({}, { tenant_id: globex.id }), "another tenant");
  const cleo = await kit.human(globex, { role: "owner" });
  await dead(token({}, { sub: cleo.ref, tenant_id: globex.id }), "a family of another tenant");
});

test("no kind of secret passes for another: codes, refresh tokens, sessions and client secrets are no bearer tokens", async () => {
  const code = await kit.code(app, ada);
  const session = ada.cookie.slice(ada.cookie.indexOf("=") + 1);
  for (const text of [code.code, tokens.refresh_token, session, app.client_secret, tokens.id_token])
    await dead(text, text.slice(0, 9));
  for (const text of [tokens.access_token, code.code, session, app.client_secret])
    refused(await kit.refresh(app, text), "invalid_grant");
  for (const text of [tokens.access_token, tokens.refresh_token, session])
    refused(await kit.redeem(app, { ...code, code: text }), "invalid_grant");
  assert.equal((await kit.redeem(app, code)).status, 200);
});

test("security.md 7: truncated, padded and joined opaque tokens are inactive", async () => {
  const client = await kit.application({ access_token_format: "opaque", scope: "openid accounts:read" });
  const { access_token } = await kit.tokens(client, ada, fields);
  assert.ok(await deployment.isActive(access_token));
  for (const text of [
    access_token.slice(0, -1),
    `${access_token}A`,
    access_token.toLowerCase(),
    access_token + access_token,
    "cs_at_",
  ])
    await dead(text, text);
});
