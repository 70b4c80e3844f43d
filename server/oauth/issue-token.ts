/**
 * The token endpoint. Applications, which act for humans, have grants of their own (grants/application-token.ts); this is the way of
 * machines: client credentials (RFC 6749 §4.4, OAuth 2.1 §4.2).
 *
 * The token is bound to the client's tenant, carries at most the client's registered scopes, and is a JWT (RFC 9068) or opaque as the
 * client is registered. The answer is sent when the audit entry is durable, and not before.
 */
import { type Attribution, unattributed } from "../../core/attribution.ts";
import { fault, isFault, type Result } from "../../core/faults.ts";
import { principalRef } from "../../core/ids.ts";
import type { Model } from "../../core/model/model.ts";
import { expand, isSubset } from "../../core/model/permissions.ts";
import type { AuditAppender } from "../audit/append.ts";
import type { AuditEntry } from "../audit/model.ts";
import { appendInTransaction } from "../audit/store.ts";
import { applicationNamed } from "../clients/authenticate.ts";
import { permissionsOf, reachOf } from "../operations/patterns.ts";
import { seconds } from "../platform/clock.ts";
import { newId } from "../platform/random.ts";
import { signAccessToken } from "../tokens/access-token.ts";
import { newSecret } from "../tokens/secret-text.ts";
import type { SigningKeys } from "../tokens/signing-keys.ts";
import type { Standing, Verifier } from "../tokens/standing.ts";
import { acceptAttempt, type ClientAuthentication, readAttempt } from "./client-authentication.ts";
import { checkProof, type Proven, type Proving } from "./dpop/check-proof.ts";
import { failedClient } from "./failed-client.ts";
import { type ApplicationGranting, applicationGrants, applicationToken } from "./grants/application-token.ts";
import type { TokenAnswer } from "./grants/model.ts";
import { errorResponse, type Form, ok, parameter, type ProtocolRequest, type ProtocolResponse } from "./protocol.ts";
import { readResources } from "./resources.ts";
import { insertAccessToken } from "./store.ts";

export type Issuing = ClientAuthentication & {
  readonly verifier: Verifier;
  readonly keys: SigningKeys;
  readonly audit: AuditAppender;
};

export const grantTypes: readonly string[] = ["client_credentials", ...applicationGrants];

/** Machines ask far more often than humans: what their grant names is tried as theirs first, and costs them nothing more. */
export const issueToken = async (
  needs: Issuing & ApplicationGranting,
  request: ProtocolRequest,
): Promise<ProtocolResponse> => {
  if (request.form.grant_type !== "client_credentials" && applicationNamed(request) !== undefined)
    return applicationToken(needs, request);
  const answer = await machineToken(needs, request);
  if (!isFault(answer)) return ok(JSON.stringify(answer));
  if (answer.fault === "invalid_client" && applicationNamed(request) !== undefined)
    return applicationToken(needs, request);
  return errorResponse(await failedClient(needs, answer, request), request.authorization !== undefined);
};

const machineToken = async (needs: Issuing & Proving, request: ProtocolRequest): Promise<Result<TokenAnswer>> => {
  const attempt = readAttempt(request, false);
  if (isFault(attempt)) return attempt;
  const [verified] = attempt.by === "assertion" ? [undefined] : await needs.verifier.verify([attempt.presented]);
  const client = await acceptAttempt(needs, attempt, verified);
  if (isFault(client)) return client;
  const proof = await checkProof(needs, request, { tenant: client.tenant });
  return isFault(proof) ? proof : grant(needs, client, request.form, request.requestId, proof);
};

/** Judges the grant of an authenticated client and makes its token, bound to the key that was proven, where one was (RFC 9449 §5). */
export const grant = async (
  needs: Issuing,
  client: Standing,
  form: Form,
  requestId: string,
  proof?: Proven,
): Promise<Result<TokenAnswer>> => {
  const type = parameter(form, "grant_type");
  if (isFault(type)) return type;
  if (type.value === undefined) return fault("invalid_argument", "the parameter `grant_type` is missing");
  if (applicationGrants.includes(type.value))
    return fault("unauthorized_client", "a service account acts for itself; its grant is `client_credentials`");
  if (type.value !== "client_credentials")
    return fault("unsupported_grant_type", `the grant type \`${type.value}\` is not supported`);
  const scopes = grantedScopes(needs.model, client, form);
  if (isFault(scopes)) return scopes;
  const resources = readResources(form);
  if (isFault(resources)) return resources;
  const audience = resources.length === 0 ? [needs.issuer] : resources;
  return makeToken(needs, client, scopes, audience, requestId, proof);
};

const scopeLengthMax = 2000;

/** RFC 6749 §3.3: what is asked for, if the client may have it; everything it may have, if it did not say. */
const grantedScopes = (model: Model, client: Standing, form: Form): Result<readonly string[]> => {
  const asked = parameter(form, "scope");
  if (isFault(asked)) return asked;
  if (asked.value === undefined) return client.scopes;
  if (asked.value.length > scopeLengthMax) return fault("invalid_scope", "the scope is too long");
  const scopes = [...new Set(asked.value.split(" ").filter((scope) => scope !== ""))];
  const { set, unknown } = expand(model, scopes, reachOf(client.tenant));
  if (unknown.length > 0 || scopes.length === 0)
    return fault("invalid_scope", `the scope \`${unknown.join(" ")}\` matches no permission here`);
  return isSubset(set, permissionsOf(model, client.tenant, client.scopes))
    ? scopes
    : fault("invalid_scope", `the client may ask for \`${client.scopes.join(" ")}\`, and asked for more`);
};

const makeToken = async (
  needs: Issuing,
  client: Standing,
  scopes: readonly string[],
  audience: readonly string[],
  requestId: string,
  proof: Proven | undefined,
): Promise<Result<TokenAnswer>> => {
  const bound = proof === undefined ? {} : { cnf: { jkt: proof.jkt } };
  const { tokens, clientId } = client;
  if (tokens === undefined || clientId === null)
    return fault("unauthorized_client", "this credential cannot obtain tokens");
  const now = needs.platform.clock.now();
  const jti = newId<string>();
  const entry = auditEntry(client, requestId, now, jti, { scope: scopes.join(" "), audience, format: tokens.format });
  const answer = (text: string): TokenAnswer => ({
    access_token: text,
    token_type: proof === undefined ? "Bearer" : "DPoP",
    expires_in: tokens.ttlSeconds,
    scope: scopes.join(" "),
  });

  if (tokens.format === "opaque") {
    const secret = newSecret("access_token", client.tenant, client.principal.id);
    await needs.platform.database.transaction(client.tenant, async (tx) => {
      await insertAccessToken(tx, {
        id: jti,
        hash: secret.hash,
        owner: client.principal,
        clientId,
        scopes,
        audience,
        ...(proof === undefined ? {} : { extra: bound }),
        createTime: new Date(now),
        expireTime: new Date(now + tokens.ttlSeconds * 1000),
      });
      await appendInTransaction(tx, entry);
    });
    return answer(secret.text);
  }

  // The signature is made while the entry is on its way to disk.
  const recorded = needs.audit.append(entry);
  const text = signAccessToken(needs.keys.current(), {
    iss: needs.issuer,
    sub: principalRef(client.principal.kind, client.principal.id),
    aud: audience.length === 1 ? (audience[0] ?? needs.issuer) : audience,
    client_id: clientId,
    iat: seconds(now),
    exp: seconds(now) + tokens.ttlSeconds,
    jti,
    scope: scopes.join(" "),
    ...bound,
    tenant_id: client.tenant,
  });
  await recorded;
  return answer(text);
};

/** The client for itself: subject, actor of record and authenticated principal are one. */
export const clientAttribution = (client: Standing, requestId: string): Attribution => {
  const ref = principalRef(client.principal.kind, client.principal.id);
  return {
    ...unattributed,
    authenticated_principal: ref,
    subject: ref,
    actor_of_record: ref,
    identity_source: client.principal.kind === "human" ? (client.human?.identitySource ?? "platform") : null,
    session_id: client.human?.session ?? null,
    credential: `${client.credential.kind}/${client.credential.id}`,
    client_id: client.clientId,
    request_id: requestId,
  };
};

const auditEntry = (
  client: Standing,
  requestId: string,
  now: number,
  jti: string,
  detail: Record<string, unknown>,
): AuditEntry => ({
  tenant: client.tenant,
  // The entry has the token's own id: whoever holds one finds the other.
  id: jti,
  time: now,
  action: "oauth.token",
  outcome: "done",
  attribution: clientAttribution(client, requestId),
  target: principalRef(client.principal.kind, client.principal.id),
  targetPath: null,
  permission: null,
  bypass: false,
  because: null,
  detail,
});
