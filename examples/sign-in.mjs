// A web application that people sign in to. Run it with `CLIENT_ID=… CLIENT_SECRET=… node examples/sign-in.mjs`; it listens on port 3000.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import * as client from "openid-client";

const { COUNTERSIGN_ISSUER: issuer = "http://localhost:8080", PORT: port = "3000" } = process.env;
const { CLIENT_ID = "", CLIENT_SECRET = "" } = process.env;
const here = `http://localhost:${port}`;
const execute = issuer.startsWith("http:") ? [client.allowInsecureRequests] : []; // plain http is for one's own machine
const proof = client.ClientSecretBasic(CLIENT_SECRET);
const config = await client.discovery(new URL(issuer), CLIENT_ID, undefined, proof, { execute });

/** By the cookie, in memory: `pending` on the way to Countersign and back, `tokens` afterwards. */
const visits = new Map();

const pages = {
  "/": async ({ tokens }) => {
    if (tokens === undefined) return { body: `<a href="/sign-in">Sign in</a>` };
    const claims = escaped(JSON.stringify(tokens.claims(), null, 2));
    return { body: `<pre>${claims}</pre><a href="/refresh">Refresh</a> <a href="/sign-out">Sign out</a>` };
  },

  /** Away. `?tenant=`, `?acr_values=`, `?prompt=` and their like are passed on: in these one sign-in differs from the next. */
  "/sign-in": async (visit, url) => {
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const checks = { pkceCodeVerifier, expectedState: client.randomState(), expectedNonce: client.randomNonce() };
    visit.pending = checks;
    const to = client.buildAuthorizationUrl(config, {
      ...Object.fromEntries(url.searchParams),
      redirect_uri: `${here}/callback`,
      scope: "openid profile email",
      state: checks.expectedState,
      nonce: checks.expectedNonce,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
    });
    return { to };
  },

  /** And back, with a code. `state`, `iss`, the verifier, the nonce and the ID token's issuer and audience are checked in here. */
  "/callback": async (visit, url) => {
    const { pending } = visit;
    visit.pending = undefined;
    if (pending === undefined) return { status: 400, body: "nobody here was signing in" };
    return { to: "/", signedIn: { tokens: await client.authorizationCodeGrant(config, url, pending) } };
  },

  /** New tokens, for which no human is asked. */
  "/refresh": async (visit) => {
    const before = visit.tokens?.refresh_token;
    if (before === undefined) return { to: "/sign-in" };
    visit.tokens = await client.refreshTokenGrant(config, before);
    return { to: "/" };
  },

  /** Signed out here, and at Countersign. */
  "/sign-out": async (visit) => {
    const id_token_hint = visit.tokens?.id_token;
    visit.tokens = undefined;
    if (id_token_hint === undefined) return { to: "/" };
    return { to: client.buildEndSessionUrl(config, { id_token_hint, post_logout_redirect_uri: `${here}/` }) };
  },
};

const escaped = (text) => text.replace(/[&<>]/g, (one) => `&#${one.charCodeAt(0)};`);
const refused = ({ message, error_description = message }) => ({ status: 400, body: escaped(error_description) });
/** A visit has a new name once somebody has signed in: nobody else can have known that one. */
const begin = (visit, id = randomUUID()) => [id, visits.set(id, visit).get(id)];

const serve = async (request, response) => {
  const url = new URL(request.url, here);
  const known = /(?:^|; )visit=([\w-]+)/.exec(request.headers.cookie ?? "")?.[1];
  const [id, visit] = visits.has(known) ? [known, visits.get(known)] : begin({});
  const page = Object.hasOwn(pages, url.pathname) ? pages[url.pathname] : async () => ({ status: 404 });
  const answer = await page(visit, url).catch(refused);
  const { to, signedIn, status = to ? 303 : 200, body = "" } = answer;
  const cookie = `visit=${signedIn ? begin(signedIn)[0] : id}; Path=/; HttpOnly; SameSite=Lax`;
  response.writeHead(status, { "content-type": "text/html", "set-cookie": cookie, ...(to && { location: `${to}` }) });
  response.end(body);
};

createServer((request, response) => void serve(request, response)).listen(port);
