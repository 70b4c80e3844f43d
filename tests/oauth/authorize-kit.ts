/**
 * What tests of the authorization endpoint need again and again: applications, people with a session in a browser, and requests.
 *
 *     const kit = authorizeKit(deployment);
 *     const app = await kit.application({ first_party: true });
 *     const ada = await kit.human(acme);
 *     const answer = await kit.authorize(app, { state: "s" }, ada);
 *     kit.answerOf(answer).code;
 */
import assert from "node:assert/strict";
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { hostTenant, type PrincipalId, type TenantId } from "../../core/ids.ts";
import { type Acr, type Method, sessionCookie } from "../../server/sessions/model.ts";
import { newSecret } from "../../server/tokens/secret-text.ts";
import type { Deployment, Json, Tenant } from "./deployment.ts";
import { type Answer, basic, formOf } from "./http.ts";

export type App = {
  readonly ref: string;
  readonly id: string;
  readonly client_id: string;
  readonly client_secret: string;
  readonly redirect_uris: readonly string[];
};

export type Human = {
  readonly id: string;
  readonly ref: string;
  readonly home: string;
  /** The `Cookie` header of the browser it is signed in with. */
  readonly cookie: string;
  readonly session: string;
};

export type SessionOptions = {
  readonly state?: "partial" | "full";
  readonly methods?: readonly Method[];
  readonly acr?: Acr;
  /** How long ago the human signed in. */
  readonly ageSeconds?: number;
};

export type Fields = Readonly<Record<string, string | readonly string[] | undefined>>;

export const redirectUri = "https://app.example/cb";
export const multiFactor = "urn:countersign:acr:multi-factor";
export const singleFactor = "urn:countersign:acr:single-factor";

/** A fresh verifier and what is sent ahead of it (RFC 7636 §4.2). */
export const pkce = () => {
  const verifier = randomBytes(32).toString("base64url");
  return {
    verifier,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  };
};

const given = (fields: Fields): Record<string, string | readonly string[]> =>
  Object.fromEntries(
    Object.entries(fields).filter((pair): pair is [string, string | readonly string[]] => pair[1] !== undefined),
  );

export const queryOf = (fields: Fields): string => formOf(given(fields)).body ?? "";

/** What the client is told, out of its redirect URI. */
export const answerOf = (answer: Answer): Readonly<Record<string, string>> => {
  const { location } = answer.headers;
  assert.ok(location, `no redirect, but ${answer.status}: ${answer.text.slice(0, 2_000)}`);
  return Object.fromEntries(new URL(location).searchParams);
};

/** The page a browser was sent to, and the request's handle. */
export const pageOf = (answer: Answer, issuer: string): { readonly path: string; readonly handle: string } => {
  const location = answer.headers.location ?? "";
  assert.equal(answer.status, 303, answer.text.slice(0, 2_000));
  assert.ok(location.startsWith(`${issuer}/`), `sent to ${location}`);
  const url = new URL(location);
  return { path: url.pathname, handle: url.searchParams.get("request") ?? "" };
};

export const authorizeKit = (deployment: Deployment) => {
  const application = async (metadata: Json = {}, tenant?: Tenant): Promise<App> => {
    const { first_party = true, ...rest } = metadata;
    const body = {
      parent: tenant?.ref ?? "host",
      display_name: "An application",
      first_party,
      redirect_uris: [redirectUri],
      scope: "openid profile email offline_access accounts:read accounts:update",
      ...rest,
    };
    const made = tenant === undefined ? await hostApplication(body) : await tenant.does("/v1/applications", body);
    return {
      ref: String(made["resource"]),
      id: String(made["id"]),
      client_id: String(made["client_id"]),
      client_secret: (made["client_secret"] as string | undefined) ?? "",
      redirect_uris: (rest["redirect_uris"] as string[] | undefined) ?? [redirectUri],
    };
  };

  const hostApplication = async (body: object): Promise<Json> => {
    const answer = await deployment.post("/v1/applications", deployment.host, {
      ...body,
      parent: `host/${hostTenant}`,
    });
    assert.equal(answer.status, 201, answer.text);
    return answer.json();
  };

  const signIn = async (
    home: string,
    user: string,
    { state = "full", methods = ["pwd"], acr = singleFactor, ageSeconds = 0 }: SessionOptions = {},
  ): Promise<{ readonly cookie: string; readonly session: string }> => {
    const secret = newSecret("session", home as TenantId, user as PrincipalId);
    const session = randomUUID();
    const at = new Date(Date.now() - ageSeconds * 1000);
    await deployment.sql(
      `insert into sessions (tenant_id, id, user_id, secret_hash, state, methods, acr, auth_time, user_agent, address, create_time,
         seen_time, expire_time, idle_seconds)
       values ($1, $2, $3, $4, $5, $6, $7, $8, 'a test', '127.0.0.1', $8, now(), now() + interval '1 day', 3600)`,
      [home, session, user, secret.hash, state, methods, acr, at],
    );
    return { cookie: `${sessionCookie}=${secret.text}`, session };
  };

  const human = async (tenant: Tenant, options: SessionOptions & { readonly role?: string } = {}): Promise<Human> => {
    const user = await tenant.user(options.role);
    return { ...user, home: tenant.id, ...(await signIn(tenant.id, user.id, options)) };
  };

  /** Makes a human of another tenant a member here, as accepting an invitation would. */
  const member = async (tenant: Pick<Tenant, "id">, { id, home }: Pick<Human, "id" | "home">): Promise<void> => {
    await deployment.sql(
      `insert into memberships (tenant_id, id, user_id, home_tenant_id, node_id, create_time, update_time)
       values ($1, gen_random_uuid(), $2, $3, $1, now(), now())`,
      [tenant.id, id, home],
    );
  };

  const requestOf = (app: App, fields: Fields): Fields => ({
    client_id: app.client_id,
    response_type: "code",
    redirect_uri: app.redirect_uris[0],
    scope: "openid",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    code_challenge_method: "S256",
    ...fields,
  });

  const browse = (query: Fields, who?: Pick<Human, "cookie">, on = 0): Promise<Answer> =>
    deployment.send(
      `/oauth/authorize?${queryOf(query)}`,
      { headers: who === undefined ? {} : { cookie: who.cookie } },
      on,
    );

  return {
    application,
    human,
    signIn,
    member,
    requestOf,
    /** GET of a request that is whole but for `fields`; undefined leaves one out. */
    authorize: (app: App, fields: Fields = {}, who?: Pick<Human, "cookie">, on = 0): Promise<Answer> =>
      browse(requestOf(app, fields), who, on),
    browse,
    /** A request that was pushed. */
    visit: (app: App, request_uri: string, who?: Pick<Human, "cookie">, on = 0): Promise<Answer> =>
      browse({ client_id: app.client_id, request_uri }, who, on),
    post: (app: App, fields: Fields, who?: Pick<Human, "cookie">): Promise<Answer> =>
      deployment.form(
        "/oauth/authorize",
        given(requestOf(app, fields)),
        who === undefined ? {} : { cookie: who.cookie },
      ),
    /** Pushes, with the client's secret where it has one. */
    push: (app: App, fields: Fields = {}, headers: Readonly<Record<string, string>> = {}, on = 0): Promise<Answer> =>
      deployment.form(
        "/oauth/par",
        given(requestOf(app, fields)),
        { ...(app.client_secret === "" ? {} : basic(app.client_id, app.client_secret)), ...headers },
        on,
      ),
    answerOf,
    pageOf: (answer: Answer) => pageOf(answer, deployment.issuer),
  };
};
