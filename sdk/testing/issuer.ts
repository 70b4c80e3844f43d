/**
 * An issuer for tests, in the test's own process and on loopback: it has keys, metadata, tokens of any kind, introspection, and a decision
 * point that answers as the test says. What a service asks of Countersign, it asks of this one over the same HTTP.
 *
 *     const issuer = await startTestIssuer({ decide: ({ permission }) => permission === "files:read" });
 *     const api = countersign({ issuer: issuer.url, audience, credentials: issuer.credentials });
 *     const token = await issuer.mint({ tenant, scopes: ["files:*"], audience });
 */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import type { Attributes } from "../../core/decide/types.ts";
import { hostTenant, principalCollections, type PrincipalKind } from "../../core/ids.ts";
import type { Credentials } from "../options.ts";

/** What a token is to say. Everything has a value that makes a right one. */
export type Mint = {
  /** A UUID, or `host`. */
  readonly tenant?: string;
  readonly kind?: PrincipalKind;
  /** A ref; a new principal of the kind unless said. */
  readonly subject?: string;
  /** `["*"]` unless said. */
  readonly scopes?: readonly string[];
  /** The issuer unless said. */
  readonly audience?: string | readonly string[];
  /** Negative for one that has expired; 300 unless said. */
  readonly expiresInSeconds?: number;
  /** RFC 9449: the thumbprint of the key it is bound to. */
  readonly boundTo?: string;
  readonly acr?: string;
  /** Seconds since the epoch. */
  readonly authTime?: number;
  /** RFC 8693: the ref of who acts for the subject. */
  readonly actor?: string;
  /** For tokens that are wrong: replaces or, being undefined, removes claims and members of the header. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
};

/** What a service asked, read from the AuthZEN request. */
export type AskedQuestion = {
  /** Of the token that was asked about. */
  readonly subject: string;
  /** UUID of the token's tenant, or of the one a host's principal named. */
  readonly tenant: string;
  readonly scopes: readonly string[];
  readonly permission: string;
  /** A ref. */
  readonly resource: string;
  /** A ref. */
  readonly parent: string | undefined;
  readonly context: Attributes;
};

/** Yes or no, or AuthZEN's `context` in full. */
export type GivenAnswer =
  | boolean
  | { readonly effect: string; readonly because: object; readonly obligations: readonly object[] };
export type DecisionFunction = (question: AskedQuestion) => GivenAnswer | Promise<GivenAnswer>;

export type TestIssuer = {
  readonly url: string;
  /** Of a service account that may introspect and ask. */
  readonly credentials: Credentials;
  mint(wanted?: Mint): Promise<string>;
  /** Signs what a right issuer never would: any header, any claims, any key. */
  sign(claims: JWTPayload, header?: Readonly<Record<string, unknown>>, key?: CryptoKey): Promise<string>;
  /** From now on introspection and decisions call it inactive. */
  revoke(token: string): void;
  /** A new signing key; the ones before stay in the set, or go with `forget`. */
  rotate(options?: { readonly forget?: boolean }): Promise<void>;
  /** How often each path was asked, such as `/oauth/jwks`. */
  asked(path: string): number;
  /** The public key tokens are signed with. */
  publicJwk(): JWK;
  close(): Promise<void>;
};

export type TestIssuerOptions = {
  /** Yes to everything unless said. */
  readonly decide?: DecisionFunction;
};

const token_ttl_seconds = 300;

/** Starts one; `close` it. */
export const startTestIssuer = async ({ decide = () => true }: TestIssuerOptions = {}): Promise<TestIssuer> => {
  const keys: { readonly jwk: JWK; readonly kid: string; readonly privateKey: CryptoKey }[] = [];
  const minted = new Map<string, JWTPayload>();
  const counts = new Map<string, number>();
  const credentials = { clientId: `sa_test_${randomUUID().slice(0, 8)}`, clientSecret: randomUUID() };

  const rotate: TestIssuer["rotate"] = async ({ forget = false } = {}) => {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const kid = randomUUID();
    if (forget) keys.length = 0;
    keys.unshift({ kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: "ES256", use: "sig" } });
  };
  await rotate();
  const current = () => {
    const [key] = keys;
    if (key === undefined) throw new Error("the issuer has no key");
    return key;
  };
  const sign: TestIssuer["sign"] = async (claims, header = {}, key = current().privateKey) => {
    const token = await new SignJWT(claims)
      .setProtectedHeader(defined({ alg: "ES256", typ: "at+jwt", kid: current().kid, ...header }) as { alg: string })
      .sign(key);
    minted.set(token, claims);
    return token;
  };
  const mint: TestIssuer["mint"] = (wanted = {}) => sign(claimsOf(url, wanted), wanted.header);

  const paths: Readonly<Record<string, (request: Heard) => Said | Promise<Said>>> = {
    "/.well-known/oauth-authorization-server": () => ({ body: metadataOf(url) }),
    "/.well-known/openid-configuration": () => ({ body: metadataOf(url) }),
    "/oauth/jwks": () => ({ body: { keys: keys.map(({ jwk }) => jwk) } }),
    "/oauth/token": async ({ authorization }) =>
      isOurs(credentials, authorization)
        ? {
            body: {
              access_token: await mint({ kind: "service", tenant: "host", scopes: ["access:check"] }),
              token_type: "Bearer",
              expires_in: token_ttl_seconds,
            },
          }
        : { status: 401, body: { error: "invalid_client" } },
    "/oauth/introspect": ({ authorization, body }) => {
      if (!isOurs(credentials, authorization)) return { status: 401, body: { error: "invalid_client" } };
      const claims = minted.get(new URLSearchParams(body).get("token") ?? "");
      return { body: isLive(claims) ? { active: true, token_type: "Bearer", ...claims } : { active: false } };
    },
    "/access/v1/evaluation": async ({ authorization, body }) => {
      const asker = minted.get(authorization.slice("Bearer ".length));
      if (!isLive(asker) || ![asker?.aud].flat().includes(url))
        return { status: 401, body: { error: "invalid_token" } };
      return { body: await evaluated(decide, minted, body) };
    },
  };
  const server = createServer((request, response) => {
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    counts.set(path, (counts.get(path) ?? 0) + 1);
    answer(paths[path], request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    credentials,
    mint,
    sign,
    revoke: (token) => void minted.delete(token),
    rotate,
    asked: (path) => counts.get(path) ?? 0,
    publicJwk: () => current().jwk,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

type Heard = { readonly authorization: string; readonly body: string };
type Said = { readonly status?: number; readonly body: object };

const answer = async (
  path: ((request: Heard) => Said | Promise<Said>) | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const body = await text(request);
  const said = (await path?.({ authorization: request.headers.authorization ?? "", body })) ?? {
    status: 404,
    body: {},
  };
  response.writeHead(said.status ?? 200, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(said.body));
};

const metadataOf = (issuer: string) => ({
  issuer,
  jwks_uri: `${issuer}/oauth/jwks`,
  token_endpoint: `${issuer}/oauth/token`,
  introspection_endpoint: `${issuer}/oauth/introspect`,
});

const isOurs = ({ clientId, clientSecret }: Credentials, authorization: string): boolean =>
  authorization === `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;

const nowInSeconds = (): number => Math.floor(Date.now() / 1000);
const isLive = (claims: JWTPayload | undefined): boolean => claims !== undefined && (claims.exp ?? 0) > nowInSeconds();

const defined = (members: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));

const claimsOf = (issuer: string, wanted: Mint): JWTPayload => {
  const { kind = "human", tenant = randomUUID(), expiresInSeconds = token_ttl_seconds } = wanted;
  const now = nowInSeconds();
  return defined({
    iss: issuer,
    sub: wanted.subject ?? `${principalCollections[kind]}/${randomUUID()}`,
    aud: wanted.audience ?? issuer,
    client_id: "test-client",
    iat: now + Math.min(0, expiresInSeconds),
    exp: now + expiresInSeconds,
    jti: randomUUID(),
    scope: (wanted.scopes ?? ["*"]).join(" "),
    acr: wanted.acr,
    auth_time: wanted.authTime,
    cnf: wanted.boundTo === undefined ? undefined : { jkt: wanted.boundTo },
    act: wanted.actor === undefined ? undefined : { sub: wanted.actor },
    tenant_id: tenant === "host" ? hostTenant : tenant,
    ...wanted.claims,
  });
};

type EvaluationBody = {
  readonly subject: { readonly id: string; readonly properties?: { readonly tenant?: string } };
  readonly action: { readonly name: string };
  readonly resource: { readonly type: string; readonly id: string; readonly properties?: { readonly parent?: string } };
  readonly context?: Attributes;
};

const evaluated = async (
  decide: DecisionFunction,
  minted: ReadonlyMap<string, JWTPayload>,
  body: string,
): Promise<object> => {
  const { subject, action, resource, context = {} } = JSON.parse(body) as EvaluationBody;
  const claims = minted.get(subject.id);
  if (claims === undefined || !isLive(claims)) return denied({ rule: "token_not_active", permission: action.name });
  const own = String(claims.tenant_id);
  const named = subject.properties?.tenant?.split("/")[1];
  const given = await decide({
    subject: claims.sub ?? "",
    tenant: own === hostTenant && named !== undefined ? named : own,
    scopes: typeof claims.scope === "string" ? claims.scope.split(" ") : [],
    permission: action.name,
    resource: `${resource.type}/${resource.id}`,
    parent: resource.properties?.parent,
    context,
  });
  if (given === true)
    return { decision: true, context: { effect: "permit", because: { rule: "role" }, obligations: [] } };
  if (given === false) return denied({ rule: "no_role", permission: action.name });
  return { decision: given.effect === "permit", context: given };
};

const denied = (because: object): object => ({
  decision: false,
  context: { effect: "deny", because, obligations: [] },
});
