/** `identity.v1.Identity`: each method handed to the use case it stands for. Messages are translated here; no rule lives here. */
import { fault, isFault, type Result } from "../../../core/faults.ts";
import { oddText, oddTextAt } from "../../../core/text.ts";
import { applicationNamed } from "../../clients/authenticate.ts";
import { findClient } from "../../clients/find-client.ts";
import { type ApplicationGranting, applicationGrant, grantsOf } from "../../oauth/grants/application-token.ts";
import type { TokenAnswer } from "../../oauth/grants/model.ts";
import { passwordGrant } from "../../oauth/grants/password.ts";
import type { SignIn } from "../../sign-in/needs.ts";
import { parameter } from "../../oauth/protocol.ts";
import { acceptAttempt, type AttemptSource, readAttempt } from "../../oauth/client-authentication.ts";
import { failedClient } from "../../oauth/failed-client.ts";
import { grant, type Issuing } from "../../oauth/issue-token.ts";
import { introspectionFor } from "../../oauth/introspect.ts";
import { revokeToken } from "../../oauth/revoke-token.ts";
import type { Searching } from "../../decisions/list-resources.ts";
import { type Engine, perform, type PreparedOperation } from "../../operations/perform.ts";
import { acceptBearer, callerOf, readBearer } from "../../tokens/bearer.ts";
import { type Presented, recognise, recogniseCertificate } from "../../tokens/presented.ts";
import type { Standing } from "../../tokens/standing.ts";
import { decisionHandlers } from "./decisions.ts";
import type { IntrospectTokenResponse, IssueTokenRequest } from "./generated/identity/v1/identity.ts";
import { registeringWithPassword } from "./register-with-password.ts";
import type { GrpcCall, IdentityHandlers } from "./routes.ts";

export type IdentityNeeds = {
  readonly engine: Engine;
  readonly deciding: Searching;
  readonly issuing: Issuing & ApplicationGranting;
  readonly signIn: SignIn;
  readonly registerUser: PreparedOperation;
};

export const identityHandlers = (needs: IdentityNeeds): IdentityHandlers => ({
  introspectToken: async (request, call) => {
    const bearer = callerOfCall(call);
    if (isFault(bearer)) return bearer;
    const presented = recognise(request.token);
    const [verifiedCaller, verified] = await needs.issuing.verifier.verify([bearer, presented]);
    const caller = acceptBearer(needs.issuing.issuer, bearer, verifiedCaller);
    if (isFault(caller)) return caller;
    const answer = introspectionFor(needs.issuing, caller, presented, verified);
    return isFault(answer) ? answer : introspectionMessage(JSON.parse(answer) as Claims);
  },

  ...decisionHandlers(needs.deciding, callerOfCall),

  registerUser: async (request, call) => {
    const standing = await standingOfCall(needs, call);
    if (isFault(standing)) return standing;
    const caller = callerOf(needs.engine.model, standing);
    const prepared =
      request.password === "" ? needs.registerUser : await registeringWithPassword(needs, caller, request);
    if (isFault(prepared)) return prepared;
    const input = {
      parent: request.parent,
      email: request.email,
      display_name: request.displayName,
      ...(request.role === "" ? {} : { role: request.role }),
    };
    const answer = await perform(needs.engine, prepared, caller, input, {
      requestId: call.requestId,
      idempotencyKey: request.idempotencyKey === "" ? undefined : request.idempotencyKey,
      ifMatch: undefined,
      tenant: undefined,
    });
    if (isFault(answer)) return answer;
    call.changed(answer.consistency);
    const user = answer.body as Readonly<Record<string, string>>;
    return {
      user: {
        id: user.id ?? "",
        resource: user.resource ?? "",
        parent: user.parent ?? "",
        email: user.email ?? "",
        displayName: user.display_name ?? "",
        state: user.state ?? "",
        etag: user.etag ?? "",
        createTime: user.create_time ?? "",
      },
      membership: user.membership ?? "",
    };
  },

  issueToken: async (request, call) => {
    const answer = await issued(needs, request, call);
    return isFault(answer)
      ? answer
      : {
          accessToken: answer.access_token,
          tokenType: answer.token_type,
          expiresIn: answer.expires_in,
          scope: answer.scope,
          refreshToken: answer.refresh_token ?? "",
          idToken: answer.id_token ?? "",
        };
  },

  revokeToken: async (request, call) => {
    const standing = await standingOfCall(needs, call);
    if (isFault(standing)) return standing;
    const token = parameter({ token: request.token }, "token");
    if (isFault(token)) return token;
    if (token.value === undefined) return fault("invalid_argument", "`token` is missing");
    const done = await revokeToken(needs.issuing, standing, token.value, call.requestId);
    if (isFault(done)) return done;
    call.changed(done.consistency);
    return {};
  },
});

/** A message has one place for a secret, whichever of RFC 6749 §2.3.1's two an application is registered for. */
const asRegistered = async (
  { platform }: Pick<ApplicationGranting, "platform">,
  { clientId, clientSecret }: IssueTokenRequest,
  source: AttemptSource,
): Promise<AttemptSource> => {
  const client = clientSecret === "" ? undefined : await findClient(platform, clientId);
  if (client?.metadata.token_endpoint_auth_method !== "client_secret_basic") return source;
  const { client_secret: _, ...form } = source.form;
  const both = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`;
  return { authorization: `Basic ${Buffer.from(both).toString("base64")}`, form };
};

/** As the token endpoint: an application's grants and a service account's, told apart by whose client_id it is. */
const issued = async (
  needs: IdentityNeeds,
  request: IssueTokenRequest,
  call: GrpcCall,
): Promise<Result<TokenAnswer>> => {
  const { issuing, signIn } = needs;
  const odd = oddTextAt(request);
  if (odd !== undefined) return fault("invalid_argument", `\`${odd}\` ${oddText}`);
  const source = { authorization: undefined, form: formOf(request) };
  if (applicationNamed(source) !== undefined) {
    const web = {
      ...(await asRegistered(issuing, request, source)),
      method: "POST",
      path: "",
      headers: {},
      address: () => call.remoteAddress,
      requestId: call.requestId,
    } as const;
    return applicationGrant(issuing, web, {
      ...grantsOf(issuing),
      password: ({ client }) => passwordGrant({ ...issuing, signIn }, client, source.form, web),
    });
  }
  const attempt = readAttempt(source, false);
  if (isFault(attempt)) return attempt;
  const [verified] = attempt.by === "assertion" ? [undefined] : await issuing.verifier.verify([attempt.presented]);
  const client = await acceptAttempt(issuing, attempt, verified);
  return isFault(client)
    ? failedClient(issuing, client, { ...source, address: () => call.remoteAddress, requestId: call.requestId })
    : grant(issuing, client, source.form, call.requestId);
};

/** A service token in the metadata, or else the service account that the client certificate names. */
export const callerOfCall = (call: GrpcCall): Result<Presented> => {
  if (call.authorization !== undefined || call.peerCertificate === undefined) return readBearer(call.authorization);
  return (
    recogniseCertificate(call.peerCertificate.sanUris) ??
    fault(
      "unauthenticated",
      "the client certificate names no service account; it needs a SAN URI `spiffe://…/{tenant}/service-accounts/{uuid}`",
    )
  );
};

const standingOfCall = async (needs: IdentityNeeds, call: GrpcCall): Promise<Result<Standing>> => {
  const bearer = callerOfCall(call);
  if (isFault(bearer)) return bearer;
  const [verified] = await needs.issuing.verifier.verify([bearer]);
  return acceptBearer(needs.issuing.issuer, bearer, verified);
};

type Claims = Readonly<{
  active: boolean;
  sub?: string;
  tenant_id?: string;
  client_id?: string;
  scope?: string;
  aud?: string | string[];
  exp?: number;
  iat?: number;
  jti?: string;
  token_type?: string;
  iss?: string;
  cnf?: { jkt: string };
  acr?: string;
  auth_time?: number;
}>;

const introspectionMessage = (claims: Claims): IntrospectTokenResponse => ({
  active: claims.active,
  subject: claims.sub ?? "",
  tenantId: claims.tenant_id ?? "",
  principalKind: claims.sub === undefined ? "" : claims.sub.startsWith("users/") ? "human" : "service",
  clientId: claims.client_id ?? "",
  scopes: claims.scope === undefined || claims.scope === "" ? [] : claims.scope.split(" "),
  audience: claims.aud === undefined ? [] : typeof claims.aud === "string" ? [claims.aud] : claims.aud,
  expiresAt: claims.exp ?? 0,
  issuedAt: claims.iat ?? 0,
  tokenId: claims.jti ?? "",
  tokenType: claims.token_type ?? "",
  issuer: claims.iss ?? "",
  actor: "",
  credentialId: claims.jti ?? "",
  confirmation: claims.cnf,
  acr: claims.acr ?? "",
  authTime: claims.auth_time ?? 0,
});

const formOf = (request: IssueTokenRequest) => {
  const named = {
    grant_type: request.grantType,
    client_id: request.clientId,
    client_secret: request.clientSecret,
    scope: request.scope,
    client_assertion_type: request.clientAssertionType,
    client_assertion: request.clientAssertion,
    refresh_token: request.refreshToken,
    username: request.username,
    password: request.password,
    tenant: request.tenant,
  };
  const given = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== ""));
  return request.resource.length === 0 ? given : { ...given, resource: request.resource };
};
