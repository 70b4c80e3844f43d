/**
 * What tests of the token endpoint's human grants need: codes out of the real authorization endpoint, and what the token endpoint makes of
 * them.
 *
 *     const kit = grantsKit(deployment);
 *     const app = await kit.application({ grant_types: ["authorization_code", "refresh_token"] });
 *     const ada = await kit.human(acme);
 *     const tokens = await kit.tokens(app, ada, { scope: "openid" });
 */
import assert from "node:assert/strict";
import { type App, authorizeKit, type Fields, type Human, pkce, redirectUri } from "./authorize-kit.ts";
import type { Deployment, Json, Tenant } from "./deployment.ts";
import { type ProofKey, proofOf } from "./dpop-kit.ts";
import { type Answer, basic } from "./http.ts";

export type Tokens = {
  readonly access_token: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly scope: string;
  readonly refresh_token: string;
  readonly id_token: string;
  readonly authorization_details?: readonly Json[];
};

export type Code = { readonly code: string; readonly verifier: string };
type Headers = Readonly<Record<string, string>>;

export const withRefresh = { grant_types: ["authorization_code", "refresh_token"] } as const;
export const publicClient = { ...withRefresh, token_endpoint_auth_method: "none" } as const;

export const grantsKit = (deployment: Deployment) => {
  const people = authorizeKit(deployment);

  /** How the application proves itself: Basic where it has a secret, its bare id where it has none. */
  const asClient = (app: App): { readonly fields: Fields; readonly headers: Headers } =>
    app.client_secret === ""
      ? { fields: { client_id: app.client_id }, headers: {} }
      : { fields: {}, headers: basic(app.client_id, app.client_secret) };

  const given = (fields: Fields) =>
    Object.fromEntries(Object.entries(fields).filter((pair): pair is [string, string] => pair[1] !== undefined));

  const token = (app: App, fields: Fields, headers: Headers = {}, on = 0): Promise<Answer> => {
    const client = asClient(app);
    return deployment.form(
      "/oauth/token",
      given({ ...client.fields, ...fields }),
      { ...client.headers, ...headers },
      on,
    );
  };

  const code = async (app: App, human: Human, fields: Fields = {}): Promise<Code> => {
    const { verifier, ...challenge } = pkce();
    const answer = people.answerOf(await people.authorize(app, { ...challenge, ...fields }, human));
    assert.ok(answer["code"], JSON.stringify(answer));
    return { code: answer["code"], verifier };
  };

  const redeem = (app: App, { code: text, verifier }: Code, fields: Fields = {}, headers: Headers = {}, on = 0) =>
    token(
      app,
      {
        grant_type: "authorization_code",
        code: text,
        code_verifier: verifier,
        redirect_uri: app.redirect_uris[0],
        ...fields,
      },
      headers,
      on,
    );

  const refresh = (app: App, refresh_token: string, fields: Fields = {}, headers: Headers = {}, on = 0) =>
    token(app, { grant_type: "refresh_token", refresh_token, ...fields }, headers, on);

  const tokens = async (app: App, human: Human, fields: Fields = {}, headers: Headers = {}): Promise<Tokens> => {
    const answer = await redeem(app, await code(app, human, fields), {}, headers);
    assert.equal(answer.status, 200, answer.text);
    return answer.json<Tokens>();
  };

  return {
    ...people,
    application: (metadata: Json = {}, tenant?: Tenant): Promise<App> =>
      people.application({ ...withRefresh, ...metadata }, tenant),
    token,
    code,
    redeem,
    refresh,
    tokens,
    asClient,
    /** A `DPoP` header for the token endpoint, with the nonce where one is known. */
    proof: (key: ProofKey, path = "/oauth/token", claims: Json = {}, method = "POST") => ({
      dpop: proofOf(key, method, deployment.issuer + path, { claims }),
    }),
    revoke: (app: App, text: string, fields: Fields = {}) => {
      const client = asClient(app);
      return deployment.form("/oauth/revoke", given({ ...client.fields, token: text, ...fields }), client.headers);
    },
    introspect: (app: App, text: string) => {
      const client = asClient(app);
      return deployment.form("/oauth/introspect", given({ ...client.fields, token: text }), client.headers);
    },
  };
};

/** An OAuth error, and nothing else in the answer. */
export const refused = (answer: Answer, error: string, status = 400): void => {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.json<{ error: string }>().error, error, answer.text);
  assert.equal(answer.headers["cache-control"], "no-store");
};

export { redirectUri };
