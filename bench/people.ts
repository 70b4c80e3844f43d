/** Our server with people signed in to it, through its forms: the rows it is measured in, and what its floors need to do the same. */
import { hash } from "@node-rs/argon2";
import { createHash } from "node:crypto";
import { formsIn, openBrowser } from "../tests/support/browser.ts";
import { sessionCookie } from "../server/sessions/model.ts";
import { encodePost } from "./harness/http-lanes.ts";
import type { Contender } from "./harness/rounds.ts";
import { rowNames } from "./names.ts";
import { callback, challenge, people, verifier } from "./oidc-provider-people.ts";
import { call, type OurServer, startOurServer } from "./ours.ts";
import { basic } from "./peers.ts";
import { addVolume } from "./volume.ts";

export type People = {
  readonly server: OurServer;
  readonly refresh: Contender;
  readonly codeFlow: Contender;
  readonly password: Contender;
  readonly introspect: Contender;
  /** A refresh token of each human that nothing else uses, for the floor. */
  readonly lanes: readonly {
    readonly home: string;
    readonly tenant: string;
    readonly application: string;
    readonly hash: string;
  }[];
  stop(): Promise<void>;
};

const password = "a password that nobody has heard of";
const uuidIn = (ref: string): string => ref.split("/")[1] ?? "";

export const startPeople = async (databaseUrl: string, cacheUrl: string): Promise<People> => {
  const server = await startOurServer(databaseUrl, cacheUrl);
  try {
    return await fill(server, databaseUrl);
  } catch (error) {
    await server.stop();
    throw error;
  }
};

const fill = async (server: OurServer, databaseUrl: string): Promise<People> => {
  const issuer = `http://localhost:${server.httpPort}`;
  const { resource: tenant = "" } = await call(server, "/v1/organizations", { display_name: "Bench" });
  const application = await call(
    server,
    "/v1/applications",
    {
      parent: tenant,
      display_name: "Bench",
      first_party: true,
      redirect_uris: [callback],
      grant_types: ["authorization_code", "refresh_token"],
      token_endpoint_auth_method: "client_secret_basic",
      id_token_signed_response_alg: "ES256",
      scope: "openid offline_access accounts:read",
    },
    tenant,
  );
  const { client_id: clientId = "", client_secret: secret = "" } = application;
  const authorization = basic(clientId, secret);
  const passwordHash = await hash(password, { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
  const path = `/oauth/authorize?${new URLSearchParams({
    client_id: clientId,
    response_type: "code",
    redirect_uri: callback,
    scope: "openid offline_access accounts:read",
    code_challenge: challenge,
    code_challenge_method: "S256",
  }).toString()}`;
  const redeem = `grant_type=authorization_code&redirect_uri=${encodeURIComponent(callback)}&code_verifier=${verifier}&code=`;

  const tokensOf = async (browser: ReturnType<typeof openBrowser>): Promise<Readonly<Record<string, string>>> => {
    const { leftFor } = await browser.get(path);
    const code = new URL(leftFor ?? "").searchParams.get("code") ?? "";
    const answer = await fetch(`${issuer}/oauth/token`, {
      method: "POST",
      headers: { authorization, "content-type": "application/x-www-form-urlencoded" },
      body: redeem + code,
    });
    if (!answer.ok) throw new Error(`no tokens: ${await answer.text()}`);
    return (await answer.json()) as Record<string, string>;
  };

  const person = async (nth: number) => {
    const email = `person-${nth}@bench.example`;
    const user = await call(
      server,
      "/v1/users",
      { parent: tenant, email, display_name: `Person ${nth}`, role: "member" },
      tenant,
    );
    await call(server, `/v1/${user["resource"]}:importPassword`, { password_hash: passwordHash }, tenant);
    const browser = openBrowser(issuer, `http://127.0.0.1:${server.httpPort}`);
    await browser.get("/sign-in");
    await browser.submit({ email });
    const { password: _field, ...fields } =
      formsIn(browser.page().text).find((form) => "password" in form.fields)?.fields ?? {};
    const before = new Map(browser.cookies);
    const action = new URL(
      formsIn(browser.page().text).find((form) => "password" in form.fields)?.action ?? "",
      browser.page().url,
    );
    await browser.submit({ password });
    const [first, second] = [await tokensOf(browser), await tokensOf(browser)];
    const joined = (cookies: Iterable<readonly [string, string]>): string =>
      Array.from(cookies, ([name, value]) => `${name}=${value}`).join("; ");
    // Not signed in: each login begins a session. The browser is one it knows, as most are.
    const { [sessionCookie]: _session, ...known } = Object.fromEntries(browser.cookies);
    const anonymous = joined(Object.entries({ ...known, ...Object.fromEntries(before) }));
    return {
      cookie: joined(browser.cookies),
      refresh: first["refresh_token"] ?? "",
      access: first["access_token"] ?? "",
      lane: {
        home: uuidIn(tenant),
        tenant: uuidIn(tenant),
        application: application["id"] ?? "",
        hash: createHash("sha256")
          .update(second["refresh_token"] ?? "")
          .digest("hex"),
      },
      login: encodePost({
        path: action.pathname + action.search,
        headers: { cookie: anonymous, origin: issuer },
        body: new URLSearchParams({ ...fields, password }).toString(),
      }),
    };
  };
  const everybody = [];
  for (let nth = 0; nth < people; nth++) everybody.push(await person(nth));

  await addVolume(databaseUrl, uuidIn(tenant));

  const at = { pid: server.pid, port: server.httpPort, protocol: { kind: "http" } } as const;
  return {
    server,
    lanes: everybody.map(({ lane }) => lane),
    refresh: {
      ...at,
      name: rowNames.people.refresh,
      requests: [],
      chain: {
        lanes: everybody.map(({ refresh }) => ({ refresh })),
        steps: [
          {
            method: "POST",
            path: "/oauth/token",
            headers: { authorization },
            body: "grant_type=refresh_token&refresh_token={refresh}",
            reads: { refresh: '"refresh_token":"([^"]+)"' },
          },
        ],
      },
      verify: (body) => body.includes('"id_token"') && body.includes('"access_token"'),
    },
    codeFlow: {
      ...at,
      name: rowNames.people.codeFlow,
      requests: [],
      chain: {
        lanes: everybody.map(({ cookie }) => ({ cookie })),
        steps: [
          {
            method: "GET",
            path,
            headers: { cookie: "{cookie}" },
            reads: { code: "[Ll]ocation: [^\\r]*[?&]code=([^&\\r]+)" },
          },
          { method: "POST", path: "/oauth/token", headers: { authorization }, body: `${redeem}{code}` },
        ],
      },
      verify: (body) => body.includes('"id_token"') && body.includes('"refresh_token"'),
    },
    password: {
      ...at,
      name: rowNames.people.password,
      requests: everybody.map(({ login }) => login),
      in_flight: 4,
      // A redirect to where people go who are signed in; a refusal is a page.
      verify: (body) => body.length === 0,
    },
    introspect: {
      ...at,
      name: rowNames.people.introspectIdle,
      requests: everybody.map(({ access }) =>
        encodePost({ path: "/oauth/introspect", headers: { authorization: server.basic }, body: `token=${access}` }),
      ),
      in_flight: 2,
      verify: (body) => JSON.parse(body.toString()).active === true,
    },
    stop: server.stop,
  };
};
