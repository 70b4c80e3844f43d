// The endpoints whose form a standard fixes. What is said here is checked against the server by the tests of each protocol; here it only
// has to be complete: a route without an entry stops the generator.
import type { Route } from "../../../server/transport/http/routes.ts";
import { decisionEntries } from "./decisions.ts";
import { forwardAuthEntries } from "./forward-auth.ts";
import type { Entry } from "./operations.ts";
import { registrationEntries } from "./registration.ts";

export type ProtocolEntry = Entry & { readonly tags: readonly [string] };

export const protocolEntry = ({ method, path, policy }: Route): ProtocolEntry => {
  const found = described[`${method} ${path}`];
  if (found === undefined)
    throw new Error(`${method} ${path} is described nowhere: add it to tools/generators/openapi/protocols.ts`);
  const why =
    "public" in policy
      ? `Public: ${policy.public}.`
      : "permission" in policy
        ? `Needs the permission \`${policy.permission}\`.`
        : undefined;
  return {
    ...found,
    ...(why === undefined ? {} : { description: why }),
    ...("public" in policy ? { security: [] } : {}),
  };
};

type Properties = Readonly<Record<string, object>>;
const text = (description: string) => ({ type: "string", description });

const form = (required: readonly string[], properties: Properties) => ({
  required: true,
  content: { "application/x-www-form-urlencoded": { schema: { type: "object", required, properties } } },
});

const json = (description: string, schema: object) => ({
  200: { description, content: { "application/json": { schema } } },
});

const clientAuthentication: Properties = {
  client_id: text("with `client_secret`: client_secret_post"),
  client_secret: text("client_secret_post (RFC 6749 §2.3.1)"),
  client_assertion_type: { type: "string", const: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" },
  client_assertion: text("private_key_jwt (RFC 7523)"),
};
const asClient = [{ clientSecret: [] }, {}];
const asClientOrBearer = [{ bearer: [] }, ...asClient];

const strings = { type: "array", items: { type: "string" } };
const metadata = {
  type: "object",
  required: ["issuer", "token_endpoint", "jwks_uri"],
  properties: {
    issuer: text("COUNTERSIGN_ISSUER, to the octet"),
    token_endpoint: text("RFC 6749 §3.2"),
    introspection_endpoint: text("RFC 7662"),
    revocation_endpoint: text("RFC 7009"),
    jwks_uri: text("RFC 7517"),
    grant_types_supported: strings,
    response_types_supported: strings,
    scopes_supported: strings,
    token_endpoint_auth_methods_supported: strings,
  },
};

const metadataEntry = (operationId: string, summary: string): ProtocolEntry => ({
  operationId,
  summary,
  tags: ["oauth"],
  responses: json("the metadata", metadata),
});

const resourceEntry = (operationId: string, summary: string): ProtocolEntry => ({
  operationId,
  summary,
  tags: ["oauth"],
  responses: json("the metadata", {
    type: "object",
    required: ["resource", "authorization_servers"],
    properties: {
      resource: text("what tokens for it have as their audience"),
      authorization_servers: strings,
      scopes_supported: strings,
      bearer_methods_supported: strings,
      dpop_signing_alg_values_supported: strings,
    },
  }),
});

const authorizationParameters: Properties = {
  client_id: text("RFC 6749 §4.1.1"),
  response_type: { type: "string", const: "code" },
  redirect_uri: text("one that is registered, to the octet; the port of a loopback address excepted"),
  scope: text("OpenID's scopes and permissions, separated by spaces; all the client is registered for, if left out"),
  state: text("comes back as it was sent"),
  code_challenge: text("RFC 7636 §4.2"),
  code_challenge_method: { type: "string", const: "S256" },
  response_mode: { type: "string", enum: ["query", "form_post"] },
  nonce: text("comes back in the ID token"),
  prompt: text("`none`, or any of `login`, `consent`, `select_account`"),
  max_age: text("seconds since the human last signed in, at most"),
  acr_values: text("RFC 9470: authentication context classes, any of which will do"),
  claims: text("OIDC Core §5.5, JSON"),
  login_hint: text("an e-mail address"),
  id_token_hint: text("an ID token of this server: the human who is meant"),
  ui_locales: text("languages, preferred first"),
  resource: { type: "array", items: { type: "string", format: "uri" }, description: "RFC 8707; may be repeated" },
  authorization_details: text("RFC 9396, JSON"),
  dpop_jkt: text("RFC 9449 §10: the key the code is bound to"),
  tenant: text("ref of the tenant the tokens are for; the human is asked, if left out and there are several"),
  request: text("RFC 9101: all of these as a signed JWT"),
  request_uri: text("RFC 9126: a request that was pushed"),
};
const authorizationResponses = {
  200: { description: "a form that posts itself to the client (`response_mode=form_post`)" },
  303: {
    description: "to the client with `code`, `state` and `iss`, or with an error; or to a page that asks the human",
  },
  400: { description: "a page: the client or its redirect URI is not known, so nobody else can be told" },
};

const logoutParameters: Properties = {
  id_token_hint: text("an ID token of ours, expired or not: whose session it is"),
  client_id: text("of the client the hint was made for"),
  post_logout_redirect_uri: text("where to go afterwards, as registered"),
  state: text("given back to it"),
  ui_locales: text("languages, the best first"),
};

const logoutEntry = (operationId: string, by: "query" | "form"): ProtocolEntry => ({
  operationId,
  summary: "Sign out of this browser (RP-Initiated Logout 1.0)",
  tags: ["oauth"],
  ...(by === "form"
    ? { requestBody: form([], logoutParameters) }
    : {
        parameters: Object.entries(logoutParameters).map(([name, schema]) => ({ name, in: "query", schema })),
      }),
  responses: { 303: { description: "to the client, or to a page that says or asks" } },
});

const userinfoEntry = (operationId: string, summary: string): ProtocolEntry => ({
  operationId,
  summary,
  tags: ["oauth"],
  security: [{ bearer: [] }],
  responses: json("what the token's scopes and its `claims` ask for, as far as it is known", {
    type: "object",
    required: ["sub"],
    properties: {
      sub: text("`users/{uuid}`, as in the ID token"),
      name: text("scope `profile`"),
      locale: text("scope `profile`"),
      updated_at: { type: "integer", description: "scope `profile`; seconds since the epoch" },
      email: text("scope `email`"),
      email_verified: { type: "boolean", description: "scope `email`" },
      tenant_id: text("the UUID of the tenant the token is for"),
    },
  }),
});

const described: Readonly<Record<string, ProtocolEntry>> = {
  ...forwardAuthEntries,
  "GET /.well-known/oauth-protected-resource": resourceEntry(
    "oauth.resource-metadata",
    "What this API is as a protected resource (RFC 9728)",
  ),
  "GET /.well-known/oauth-protected-resource/v1": resourceEntry(
    "oauth.resource-metadata-v1",
    "The same of the management API",
  ),
  "GET /.well-known/oauth-protected-resource/access/v1": resourceEntry(
    "oauth.resource-metadata-access-v1",
    "The same of the decision API",
  ),
  "POST /oauth/token": {
    operationId: "oauth.token",
    summary: "Issue tokens (RFC 6749 §3.2): for a machine, for a code, for a refresh token, for a device",
    tags: ["oauth"],
    security: asClient,
    requestBody: form(["grant_type"], {
      grant_type: {
        type: "string",
        enum: [
          "client_credentials",
          "authorization_code",
          "refresh_token",
          "urn:ietf:params:oauth:grant-type:device_code",
        ],
      },
      code: text("authorization_code: the code"),
      redirect_uri: text("authorization_code: as in the authorization request, where that named one"),
      code_verifier: text("authorization_code: RFC 7636 §4.5"),
      refresh_token: text("refresh_token: the newest one; every use gives the next"),
      device_code: text("device_code: RFC 8628 §3.4"),
      authorization_details: text("refresh_token: RFC 9396 §6, part of what was granted"),
      scope: text("permissions, separated by spaces; everything the client may have, if left out"),
      resource: { type: "array", items: { type: "string", format: "uri" }, description: "RFC 8707; may be repeated" },
      ...clientAuthentication,
    }),
    responses: json("a token", {
      type: "object",
      required: ["access_token", "token_type", "expires_in", "scope"],
      properties: {
        access_token: text("an RFC 9068 JWT, or opaque, as the client is registered"),
        token_type: { type: "string", enum: ["Bearer", "DPoP"] },
        expires_in: { type: "integer", description: "seconds" },
        scope: text("what it may be used for"),
        refresh_token: text("where the client is registered for it"),
        id_token: text("OpenID Connect, with the scope `openid`"),
        authorization_details: { type: "array", items: { type: "object" }, description: "RFC 9396 §7" },
      },
    }),
  },
  "POST /oauth/introspect": {
    operationId: "oauth.introspect",
    summary: "Ask whether a token is active, and whose it is (RFC 7662)",
    tags: ["oauth"],
    security: asClientOrBearer,
    requestBody: form(["token"], {
      token: text("an access token or an API token"),
      token_type_hint: text("not needed"),
      ...clientAuthentication,
    }),
    responses: json("what is known of it; of a token that is not active nothing but that", {
      type: "object",
      required: ["active"],
      properties: {
        active: { type: "boolean" },
        iss: text("the issuer"),
        sub: text("`users/{uuid}` or `service-accounts/{uuid}`"),
        aud: { anyOf: [{ type: "string" }, strings] },
        client_id: text("of the client it was issued to; absent for API tokens"),
        scope: text("permissions, separated by spaces"),
        iat: { type: "integer", description: "seconds since the epoch" },
        exp: { type: "integer", description: "seconds since the epoch" },
        jti: text("the token's id"),
        token_type: text("`Bearer` or `DPoP`"),
        acr: text("RFC 9470 §6.2: how the human signed in"),
        amr: { ...strings, description: "RFC 8176" },
        auth_time: { type: "integer", description: "when the human signed in; seconds since the epoch" },
        cnf: { type: "object", description: "RFC 9449 §6.2: the key it is bound to" },
        authorization_details: { type: "array", items: { type: "object" }, description: "RFC 9396 §9.2" },
        tenant_id: text("the UUID of its tenant"),
      },
    }),
  },
  "POST /oauth/revoke": {
    operationId: "oauth.revoke",
    summary: "Revoke a token, everywhere and at once (RFC 7009)",
    tags: ["oauth"],
    security: asClientOrBearer,
    requestBody: form(["token"], {
      token: text("the token"),
      token_type_hint: text("not needed"),
      ...clientAuthentication,
    }),
    responses: { 200: { description: "it is not active any more, or never was" } },
  },
  "GET /oauth/authorize": {
    operationId: "oauth.authorize",
    summary: "Ask a human for authorization (RFC 6749 §3.1, OIDC Core §3.1.2)",
    tags: ["oauth"],
    parameters: Object.entries(authorizationParameters).map(([name, schema]) => ({
      name,
      in: "query",
      required: name === "client_id",
      schema,
    })),
    responses: authorizationResponses,
  },
  "POST /oauth/authorize": {
    operationId: "oauth.authorize-by-form",
    summary: "The same, with the parameters in a form (OIDC Core §3.1.2.1)",
    tags: ["oauth"],
    requestBody: form(["client_id"], authorizationParameters),
    responses: authorizationResponses,
  },
  "POST /oauth/par": {
    operationId: "oauth.par",
    summary: "Push an authorization request (RFC 9126)",
    tags: ["oauth"],
    security: asClient,
    requestBody: form(["client_id"], { ...authorizationParameters, ...clientAuthentication }),
    responses: {
      201: {
        description: "a reference for the browser to carry",
        content: {
          "application/json": {
            schema: {
              type: "object",
              required: ["request_uri", "expires_in"],
              properties: {
                request_uri: text("`urn:ietf:params:oauth:request_uri:…`, good for one answer"),
                expires_in: { type: "integer", description: "seconds" },
              },
            },
          },
        },
      },
    },
  },
  ...registrationEntries,
  "GET /oauth/userinfo": userinfoEntry(
    "oauth.userinfo",
    "What a client may know of the human whose token it holds (OIDC Core §5.3)",
  ),
  "POST /oauth/userinfo": userinfoEntry("oauth.userinfo-post", "The same, asked by POST"),
  "GET /oauth/jwks": {
    operationId: "oauth.jwks",
    summary: "The keys that access tokens are signed with (RFC 7517)",
    tags: ["oauth"],
    responses: json("the keys", {
      type: "object",
      required: ["keys"],
      properties: { keys: { type: "array", items: { type: "object" } } },
    }),
  },
  "GET /.well-known/oauth-authorization-server": metadataEntry(
    "oauth.metadata",
    "Authorization server metadata (RFC 8414)",
  ),
  "GET /.well-known/openid-configuration": metadataEntry(
    "oauth.openid-configuration",
    "The same, where OpenID Connect looks for it",
  ),
  "POST /oauth/device_authorization": {
    operationId: "oauth.device-authorization",
    summary: "Begin the device flow (RFC 8628)",
    tags: ["oauth"],
    security: asClient,
    requestBody: form([], {
      scope: text("what is asked for; everything the client is registered for, if left out"),
      resource: { type: "array", items: { type: "string", format: "uri" }, description: "RFC 8707; may be repeated" },
      authorization_details: text("RFC 9396, as JSON"),
      tenant: text("ref of the tenant the token shall be for; the human chooses, if left out"),
      ...clientAuthentication,
    }),
    responses: json("two codes: one to poll with, and one for the human", {
      type: "object",
      required: ["device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval"],
      properties: {
        device_code: text("what the token endpoint is polled with"),
        user_code: text("what the human types, `XXXX-XXXX`"),
        verification_uri: text("where"),
        verification_uri_complete: text("the same with the code in it, for a QR code"),
        expires_in: { type: "integer", description: "seconds" },
        interval: { type: "integer", description: "seconds between two polls" },
      },
    }),
  },
  "GET /oauth/logout": logoutEntry("oauth.logout", "query"),
  "POST /oauth/logout": logoutEntry("oauth.logout-by-form", "form"),
  ...decisionEntries,
};
