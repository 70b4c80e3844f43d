/**
 * UserInfo (OIDC Core §5.3): what a client may know of the human whose token it holds. Asked with the access token in the header, by either
 * scheme, or in a form's body (RFC 6750 §2.2); never in the URL.
 */
import { type Fault, fault, faults, isFault, type Result } from "../../core/faults.ts";
import { principalRef } from "../../core/ids.ts";
import type { WebRequest, WebResponse } from "../platform/web/request.ts";
import type { Standing } from "../tokens/standing.ts";
import { challengeHeaders } from "./challenges.ts";
import { type Authenticating, authenticateToken } from "./dpop/authenticate.ts";
import { dpopNonceHeaders } from "./dpop/nonces.ts";
import { readUserInformation } from "./grants/store.ts";
import { humanClaims, scopeClaims } from "./id-token.ts";
import { jsonHeaders, ok } from "./protocol.ts";
import { quoted } from "./quoted.ts";
import { resourceMetadataUrl } from "./resource-metadata.ts";

export const userinfo = async (needs: Authenticating, request: WebRequest): Promise<WebResponse> => {
  const answer = await information(needs, request);
  const response = isFault(answer) ? refuseUserinfo(needs.issuer, answer) : ok(JSON.stringify(answer));
  const proving = request.headers["dpop"] !== undefined || (isFault(answer) && answer.fault === "unproven_token_nonce");
  return proving ? { ...response, headers: { ...response.headers, ...dpopNonceHeaders(needs) } } : response;
};

/** RFC 6750 §3: the challenge says how to come back; without a token no error code is sent. */
export const refuseUserinfo = (issuer: string, failure: Fault): WebResponse => {
  const row: { readonly status: number; readonly oauth?: string } = faults[failure.fault];
  const error = row.oauth ?? (row.status >= 500 ? "server_error" : "invalid_request");
  return {
    status: row.status,
    headers: { ...jsonHeaders, ...challengeHeaders(failure, resourceMetadataUrl(issuer)) },
    body:
      failure.fault === "unauthenticated" ? "{}" : JSON.stringify({ error, error_description: quoted(failure.detail) }),
  };
};

/** RFC 6750 §2: the token in one place, and that not the URL. */
const authorizationOf = ({
  authorization,
  query,
  form,
}: WebRequest): Result<{ readonly value: string | undefined }> => {
  if (Object.hasOwn(query, "access_token"))
    return fault("invalid_argument", "a token in the URL is refused; send it as `Authorization: Bearer …`");
  const inBody = form.access_token;
  if (inBody === undefined) return { value: authorization };
  if (authorization !== undefined || typeof inBody !== "string")
    return fault("invalid_argument", "the token came in two ways at once; keep one");
  return { value: `Bearer ${inBody}` };
};

const information = async (
  needs: Authenticating,
  request: WebRequest,
): Promise<Result<Readonly<Record<string, unknown>>>> => {
  const authorization = authorizationOf(request);
  if (isFault(authorization)) return authorization;
  const standing = await authenticateToken(needs, { ...request, authorization: authorization.value });
  if (isFault(standing)) return standing;
  if (!standing.scopes.includes("openid"))
    return fault("insufficient_scope", "this needs the scope `openid`", { permission: "openid" });
  return informationOf(needs, standing);
};

const gone = fault("invalid_token", "the token is unknown, expired, revoked or meant for another server");

const informationOf = async (
  { platform }: Authenticating,
  { principal, tenant, human, scopes }: Standing,
): Promise<Result<Readonly<Record<string, unknown>>>> => {
  if (principal.kind !== "human" || human === undefined) return gone;
  const stored = await readUserInformation(platform.database, tenant, principal.id, human.family);
  if (stored === undefined) return gone;
  const names = [...scopes.flatMap((scope) => scopeClaims[scope] ?? []), ...Object.keys(stored.claims?.userinfo ?? {})];
  // §5.3.2: `sub` always, and exactly as the ID token has it.
  return { ...humanClaims(stored, names), sub: principalRef("human", principal.id), tenant_id: tenant };
};
