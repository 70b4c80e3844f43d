// The guide to signing people in, followed to the letter: its commands, its program, its links, by a human with a browser.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import * as client from "openid-client";
import { inShell, readPage, root } from "../readme/page.ts";
import { type Browser, openBrowser, type Page } from "../support/browser.ts";
import { mailedLink } from "../support/mail-folder.ts";
import { freePort } from "../support/redis.ts";
import { startServer } from "../support/server-process.ts";

const server = await startServer();
after(() => server.stop());
const port = String(await freePort());
const app = `http://localhost:${port}`;
const guide = readPage("docs/guides/sign-in.md");
const ada = { email: "ada@acme.example", password: "correct horse battery staple" };

const here = (text: string): string =>
  text
    .replaceAll("http://localhost:8080", server.issuer)
    .replaceAll("http://localhost:3000", app)
    .replaceAll("data/bootstrap.json", join(server.dataDir, "bootstrap.json"));

/** What the commands of the guide have put into these variables. */
const variables = ["CLIENT_ID", "CLIENT_SECRET", "ORG", "DEVICE_ID"] as const;
type Followed = Readonly<Record<(typeof variables)[number], string>>;

const follow = async (): Promise<Followed> => {
  const npx = `npx() { shift; "${process.execPath}" cli/main.ts "$@"; }`;
  const commands = guide.blocks.filter(({ language }) => language === "sh").map(({ body }) => here(body));
  const tell = variables.map((name) => `echo "${name}=$${name}" >&2`);
  const script = ["set -e -o pipefail", npx, ...commands, ...tell].join("\n");
  const { code, stdout, stderr } = await inShell(["bash", "-c", script], server.env);
  assert.equal(code, 0, stderr);
  // curl is content with a refusal; the reader is not.
  assert.doesNotMatch(stdout, /"(error|status)": ?("|4\d\d)/, stdout);
  const told = new URLSearchParams(stderr.trim().split("\n").slice(-variables.length).join("&"));
  return Object.fromEntries(variables.map((name) => [name, told.get(name) ?? ""])) as Followed;
};

const startExample = async (env: Readonly<Record<string, string>>): Promise<ChildProcess> => {
  const child = spawn(process.execPath, [join(root, "examples/sign-in.mjs")], {
    env: { ...process.env, COUNTERSIGN_ISSUER: server.issuer, PORT: port, ...env },
    stdio: "inherit",
  });
  for (let tries = 0; child.exitCode === null && tries < 400; tries += 1, await pause(25))
    if (await fetch(app).catch(() => undefined)) return child;
  return assert.fail("the example does not listen");
};

/** Two origins are two browsers here: one for Countersign, one for the application, and the human carries addresses to and fro. */
const signIn = async (site: Browser, browser: Browser, path = "/sign-in"): Promise<Page> => {
  const { leftFor = "", text } = await site.get(path);
  assert.ok(leftFor.startsWith(`${server.issuer}/oauth/authorize?`), text);
  return browser.get(leftFor);
};
const comeBack = async (site: Browser, { leftFor = "", text }: Page): Promise<Readonly<Record<string, unknown>>> => {
  assert.ok(leftFor.startsWith(`${app}/callback?`), `${leftFor}: ${text}`);
  return claimsOn(await site.get(leftFor));
};
const claimsOn = ({ text }: Page): Readonly<Record<string, unknown>> => {
  const [, shown] = /<pre>([^]*)<\/pre>/.exec(text) ?? assert.fail(text);
  return JSON.parse(shown ?? "") as Readonly<Record<string, unknown>>;
};

const AsyncFunction = Object.getPrototypeOf(async () => undefined).constructor as new (
  ...parts: readonly string[]
) => (...given: readonly unknown[]) => Promise<Readonly<Record<string, Readonly<Record<string, unknown>>>>>;

test("the guide to signing people in is true from its first line to its last", async (t) => {
  const browser = openBrowser(server.issuer);
  await browser.get("/setup");
  const { setup_url: setup } = server.bootstrap;
  const welcome = await browser.submit({ setup, email: ada.email, display_name: "Ada", password: ada.password });
  assert.equal(welcome.url, `${server.issuer}/account`);

  const { CLIENT_ID, CLIENT_SECRET, ORG, DEVICE_ID } = await follow();
  const example = await startExample({ CLIENT_ID, CLIENT_SECRET });
  t.after(async () => {
    example.kill();
    await once(example, "exit");
  });
  const site = openBrowser(app);

  await t.test("who is signed in comes back at once, and a private window asks", async () => {
    const claims = await comeBack(site, await signIn(site, browser));
    assert.equal(claims["tenant_id"], "00000000-0000-4000-8000-000000000000");
    const stranger = openBrowser(server.issuer);
    const other = openBrowser(app);
    await signIn(other, stranger);
    await stranger.submit({ email: ada.email });
    const back = await comeBack(other, await stranger.submit({ password: ada.password }));
    assert.equal(back["sub"], claims["sub"]);
    assert.notEqual(back["sid"], claims["sid"]);
  });

  await t.test("the ID token and userinfo say what the table says", async () => {
    const known = [
      "iss",
      "sub",
      "aud",
      "iat",
      "exp",
      "auth_time",
      "nonce",
      "acr",
      "amr",
      "sid",
      "at_hash",
      "tenant_id",
    ];
    const claims = claimsOn(await site.get("/"));
    assert.deepEqual(Object.keys(claims).toSorted(), known.toSorted());
    assert.deepEqual([Number(claims["exp"]) - Number(claims["iat"]), claims["aud"]], [3600, CLIENT_ID]);
  });

  await t.test("new tokens, and no human is asked", async () => {
    const refreshed = await site.get("/refresh");
    assert.equal(claimsOn(refreshed)["nonce"], undefined, "OIDC Core §12.2");
  });

  await t.test("the programs for refreshing, devices and DPoP run, one after the other", async () => {
    const execute = [client.allowInsecureRequests];
    const proof = client.ClientSecretBasic(CLIENT_SECRET);
    const config = await client.discovery(new URL(server.issuer), CLIENT_ID, undefined, proof, { execute });
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const to = client.buildAuthorizationUrl(config, {
      redirect_uri: `${app}/callback`,
      scope: "openid profile email",
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
    });
    const { leftFor = "" } = await browser.get(to.href);
    const tokens = await client.authorizationCodeGrant(config, new URL(leftFor), { pkceCodeVerifier });
    const approved = Promise.withResolvers<Page>();
    const log = (text: string): void => {
      const [, url = "", code = "?"] = /^Go to (\S+), and compare the code: (\S+)$/.exec(text) ?? [];
      approved.resolve(
        browser.get(url).then((page) => {
          assert.ok(page.text.includes(code));
          return browser.submit({ decision: "approve", user_code: code }, "/device");
        }),
      );
    };
    const given = { client, config, execute, tokens, issuer: server.issuer, DEVICE_ID, console: { log } };
    const programs = guide.blocks.filter(({ language }) => language === "js").map(({ body }) => body);
    const program = new AsyncFunction(
      ...Object.keys(given),
      `${programs.join("\n")}\nreturn { tokens, granted, about };`,
    );
    const made = await program(...Object.values(given));
    assert.match((await approved.promise).url, /done=approved/);
    assert.equal(made["granted"]?.["token_type"], "bearer");
    assert.equal(made["tokens"]?.["token_type"], "dpop");
    assert.equal(made["about"]?.["email"], ada.email);
  });

  await t.test("invited to a tenant, one chooses, or the application names it; its policy is kept", async () => {
    const invitation = await browser.get(await mailedLink([server.dataDir], ada.email));
    assert.match(invitation.text, /Acme/);
    await browser.submit({}, "/invitation");
    const picker = await signIn(site, browser);
    assert.match(picker.text, /Acme/);
    const strict = await signIn(site, browser, `/sign-in?tenant=${ORG}`);
    assert.match(strict.url, /\/sign-in\/enrol/, "the guide's own policy asks for a second factor");
    const nowhere = "organizations/99999999-9999-4999-8999-999999999999";
    const refused = await signIn(site, browser, `/sign-in?tenant=${nowhere}`);
    assert.match(refused.leftFor ?? "", /error=access_denied/);
    assert.match((await site.get(refused.leftFor ?? "")).text, /belongs to no active tenant/);
  });

  await t.test("a stronger class is asked for", async () => {
    const page = await signIn(site, browser, "/sign-in?acr_values=urn:countersign:acr:multi-factor&tenant=host");
    assert.match(page.url, /\/sign-in\/enrol/);
  });
});
