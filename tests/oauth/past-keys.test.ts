// ID tokens as hints long after they were signed (RP-Initiated Logout §2, OIDC Core §3.1.2.1): by a key that has been rotated out they
// still say whom the application means; by a key that was never ours they say nothing.
import assert from "node:assert/strict";
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import { after, before, test } from "node:test";
import { runCli } from "../support/server-process.ts";
import type { App, Human } from "./authorize-kit.ts";
import { type Json, startDeployment } from "./deployment.ts";
import { grantsKit } from "./grants-kit.ts";
import type { Answer } from "./http.ts";
import { encoded, type Fields, partsOf } from "./jwt.ts";

const deployment = await startDeployment({ servers: 2 });
after(deployment.close);
const kit = grantsKit(deployment);
const [acme, umbrella] = [await deployment.tenant("Acme"), await deployment.tenant("Umbrella")];
const bye = "https://app.example/bye";
const app = await kit.application({ post_logout_redirect_uris: [bye] });

const hintFor = async (of: App, who: Human): Promise<string> => (await kit.tokens(of, who)).id_token;
/** A second session of the same human: what one test ends is not another's. */
const again = async (who: Human): Promise<Human> => ({ ...who, ...(await kit.signIn(who.home, who.id)) });
const silently = async (id_token_hint: string, who: Human, on = 0): Promise<Readonly<Record<string, string>>> =>
  kit.answerOf(await kit.authorize(app, { id_token_hint, prompt: "none" }, who, on));
const logout = (id_token_hint: string, who: Human, on = 0): Promise<Answer> =>
  deployment.send(
    `/oauth/logout?${new URLSearchParams({ id_token_hint, post_logout_redirect_uri: bye }).toString()}`,
    { headers: { cookie: who.cookie } },
    on,
  );
const livesOn = async ({ session }: Human): Promise<boolean> =>
  (await deployment.sql<{ state: string }>("select state from sessions where id = $1", [session]))[0]?.state === "full";

const ada = await kit.human(acme);
const old = await hintFor(app, ada);
const { header, claims } = partsOf(old);
const kid = String(header["kid"]);
const published = async (on: number): Promise<readonly Json[]> =>
  (await deployment.send("/oauth/jwks", {}, on)).json<{ keys: Json[] }>().keys;
const ownJwk = (await published(0)).find((one) => one["kid"] === kid);

before(async () => {
  const { code, stdout, stderr } = await runCli(["keys", "rotate", "--alg", String(header["alg"])], deployment.env);
  assert.equal(code, 0, stderr);
  const next = (JSON.parse(stdout) as { kid: string }).kid;
  // Two days have passed: the next key signs, and the last token of the old one has expired.
  await deployment.sql(
    "update signing_keys set sign_from = sign_from - interval '2 days', verify_until = verify_until - interval '2 days' where alg = $1",
    [header["alg"]],
  );
  await Promise.all(deployment.servers.map((server) => server.kill()));
  for (const on of [0, 1]) {
    await deployment.revive(on);
    assert.ok(!(await published(on)).some((one) => one["kid"] === kid), "the old key is published no more");
  }
  assert.equal(partsOf(await hintFor(app, await again(ada))).header["kid"], next, "the next one signs");
});

test("OIDC Core §3.1.2.1: an ID token signed by a key that has been rotated out is a hint still, to processes that never signed with it", async () => {
  const bob = await kit.human(acme);
  for (const on of [0, 1]) {
    assert.ok((await silently(old, ada, on))["code"], `process ${on}`);
    assert.equal((await silently(old, bob, on))["error"], "login_required");
  }
});

test("RP-Initiated Logout §2: an ID token signed by a key that has been rotated out ends the session, and the browser goes back", async () => {
  const [here, elsewhere] = [await again(ada), await again(ada)];
  const answer = await logout(old, here, 1);
  assert.equal(answer.status, 303, answer.text);
  assert.equal(answer.headers.location, bye);
  assert.ok(!(await livesOn(here)));
  assert.ok(await livesOn(elsewhere), "the browser's own session, and no other of the human's");
});

test("a hint is no key: signed by one that has been rotated out, a token opens nothing", async () => {
  assert.equal((await deployment.get("/v1/users", old)).status, 401);
  assert.equal(await deployment.isActive(old), false);
});

const signed = (head: Fields, said: Fields, key: KeyObject, digest: string | null = "sha256"): string => {
  const input = `${encoded(head)}.${encoded(said)}`;
  return `${input}.${sign(digest, Buffer.from(input), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
};
const rsa = () => generateKeyPairSync("rsa", { modulusLength: 2048 });

test("RFC 8725 §2.1, §3.10: a hint signed by a key that was never ours is none, whatever key it names", async () => {
  const mallory = rsa();
  const curve = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = { ...mallory.publicKey.export({ format: "jwk" }), kid: "mine", alg: "RS256", use: "sig" };
  // A key that a client is known by proves that client, and nobody's sign-in.
  const registered = await kit.application({
    token_endpoint_auth_method: "private_key_jwt",
    jwks: { keys: [jwk] },
    post_logout_redirect_uris: [bye],
  });
  const account = await acme.account({ jwks: { keys: [{ ...jwk, kid: "mine-too" }] } });
  assert.ok(registered.client_id !== "" && account.client_id !== "");
  const pem = createPublicKey({ key: ownJwk as never, format: "jwk" }).export({ format: "pem", type: "spki" });
  const hmac = `${encoded({ ...header, alg: "HS256" })}.${encoded(claims)}`;
  const [first = "", second = ""] = old.split(".");
  const forged: Readonly<Record<string, string>> = {
    "our old key's name": signed(header, claims, mallory.privateKey),
    "a name nobody has": signed({ ...header, kid: randomUUID() }, claims, mallory.privateKey),
    "an application's own key": signed({ ...header, kid: "mine" }, claims, mallory.privateKey),
    "a service account's own key": signed({ ...header, kid: "mine-too" }, claims, mallory.privateKey),
    "no name": signed({ alg: header["alg"], typ: header["typ"] }, claims, mallory.privateKey),
    "a key that it brings along": signed({ ...header, jwk }, claims, mallory.privateKey),
    "a place to fetch one from": signed({ ...header, jku: `${deployment.issuer}/evil` }, claims, mallory.privateKey),
    "another algorithm": signed({ ...header, alg: "ES256" }, claims, curve.privateKey),
    "the old public key as a shared secret": `${hmac}.${createHmac("sha256", pem).update(hmac).digest("base64url")}`,
    "no signature": `${encoded({ ...header, alg: "none" })}.${second}.`,
    "an empty signature": `${first}.${second}.`,
  };
  for (const [what, hint] of Object.entries(forged)) {
    assert.equal((await silently(hint, ada))["error"], "invalid_request", what);
    const answer = await logout(hint, ada);
    assert.equal(answer.headers.location, `${deployment.issuer}/sign-out`, what);
    assert.ok(await livesOn(ada), what);
  }
  assert.ok((await silently(old, ada))["code"], "the one they were made of is good");
});

test("RP-Initiated Logout §2: a hint of another deployment is none here, though its issuer has our name and its client ours", async () => {
  const other = await startDeployment({ env: { COUNTERSIGN_ISSUER: deployment.issuer } });
  try {
    const theirs = await other.signingKey();
    const head = { alg: "ES256", kid: theirs.kid, typ: "JWT" };
    const foreign = signed(head, claims, theirs.key);
    assert.equal((await silently(foreign, ada))["error"], "invalid_request");
    assert.equal((await logout(foreign, ada)).headers.location, `${deployment.issuer}/sign-out`);
    assert.ok(await livesOn(ada));
  } finally {
    await other.close();
  }
});

test("invariant 2: another tenant's application and its human's ID token mean nobody here", async () => {
  const theirs = await kit.application({ post_logout_redirect_uris: ["https://umbrella.example/bye"] }, umbrella);
  const eve = await kit.human(umbrella);
  const hint = await hintFor(theirs, eve);
  // Made for another client, so it says nothing to this one: not that its human is, and not that it isn't.
  for (const who of [ada, eve]) assert.equal((await silently(hint, who))["error"], "invalid_request");
  const answer = await logout(hint, ada);
  assert.equal(answer.headers.location, `${deployment.issuer}/sign-out`);
  assert.ok(await livesOn(ada));
  // The address it may be sent back to is its own client's.
  assert.equal((await logout(hint, eve)).headers.location, `${deployment.issuer}/signed-out`);
});
