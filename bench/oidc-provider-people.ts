/** `oidc-provider` with people signed in to it, through its own forms: the rows it is measured in. */
import { createHash, randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { startServer } from "./harness/child.ts";
import type { Contender } from "./harness/rounds.ts";
import { rowNames } from "./names.ts";
import { at, basic, type Peer } from "./peers.ts";

const file = fileURLToPath(new URL("./servers/oidc-provider-people.ts", import.meta.url));

/** Browsers at once, each signed in by itself: as many lanes as the load generator keeps busy. */
export const people = 16;

export const callback = "http://localhost/callback";
export const verifier = "a".repeat(64);
export const challenge = createHash("sha256").update(verifier).digest("base64url");

/** One browser: its cookies, and redirects that it does not follow by itself. */
export const openBrowser = (base: string) => {
  const jar = new Map<string, string>();
  const cookies = (): string => Array.from(jar, ([name, value]) => `${name}=${value}`).join("; ");
  const ask = async (path: string, form?: Readonly<Record<string, string>>) => {
    const answer = await fetch(new URL(path, base), {
      redirect: "manual",
      headers: { cookie: cookies() },
      ...(form === undefined ? {} : { method: "POST", body: new URLSearchParams(form) }),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [name = "", value = ""] = line.split(";", 1)[0]?.split(/=(.*)/s) ?? [];
      if (value === "") jar.delete(name);
      else jar.set(name, value);
    }
    return { status: answer.status, location: answer.headers.get("location") ?? "", text: await answer.text() };
  };
  return { ask, cookies };
};

const authorizePath = (clientId: string): string =>
  `/auth?${new URLSearchParams({
    client_id: clientId,
    response_type: "code",
    redirect_uri: callback,
    scope: "openid offline_access flows:read",
    code_challenge: challenge,
    code_challenge_method: "S256",
  }).toString()}`;

const codeIn = (location: string): string => {
  const code = new URL(location).searchParams.get("code");
  if (code === null) throw new Error(`no code in ${location}`);
  return code;
};

export const startOidcProviderPeople = async (): Promise<Peer> => {
  const [id, secret] = ["bench", randomBytes(32).toString("base64url")];
  const server = await startServer(file, { BENCH_CLIENT_ID: id, BENCH_CLIENT_SECRET: secret });
  const base = `http://127.0.0.1:${server.port}`;
  const authorization = basic(id, secret);
  const redeem = `grant_type=authorization_code&redirect_uri=${encodeURIComponent(callback)}&code_verifier=${verifier}&code=`;

  const signIn = async (nth: number) => {
    const browser = openBrowser(base);
    const path = authorizePath(id);
    const begun = await browser.ask(path);
    const signedIn = await browser.ask(begun.location, { prompt: "login", login: `person-${nth}`, password: "x" });
    const asked = await browser.ask(signedIn.location);
    const consented = await browser.ask(asked.location, { prompt: "consent" });
    const code = codeIn((await browser.ask(consented.location)).location);
    const answer = await fetch(`${base}/token`, {
      method: "POST",
      headers: { authorization, "content-type": "application/x-www-form-urlencoded" },
      body: redeem + code,
    });
    const { refresh_token } = (await answer.json()) as { refresh_token: string };
    return { cookie: browser.cookies(), refresh: refresh_token };
  };
  const signedIn = await Promise.all(Array.from({ length: people }, (_, nth) => signIn(nth)));

  const refresh: Contender = {
    name: rowNames.people.oidcRefresh,
    ...at(server),
    protocol: { kind: "http" },
    requests: [],
    chain: {
      lanes: signedIn.map(({ refresh: token }) => ({ refresh: token })),
      steps: [
        {
          method: "POST",
          path: "/token",
          headers: { authorization },
          body: "grant_type=refresh_token&refresh_token={refresh}",
          reads: { refresh: '"refresh_token":"([^"]+)"' },
        },
      ],
    },
    verify: (body) => body.includes('"id_token"') && body.includes('"access_token"'),
  };
  const codeFlow: Contender = {
    name: rowNames.people.oidcCodeFlow,
    ...at(server),
    protocol: { kind: "http" },
    requests: [],
    chain: {
      lanes: signedIn.map(({ cookie }) => ({ cookie })),
      steps: [
        {
          method: "GET",
          path: authorizePath(id),
          headers: { cookie: "{cookie}" },
          reads: { code: "[Ll]ocation: [^\\r]*[?&]code=([^&\\r]+)" },
        },
        { method: "POST", path: "/token", headers: { authorization }, body: `${redeem}{code}` },
      ],
    },
    verify: (body) => body.includes('"id_token"') && body.includes('"refresh_token"'),
  };
  return { contenders: [refresh, codeFlow], stop: server.stop };
};
