/**
 * The token endpoint for applications: who calls, with which grant, proving which key. Each grant is a row of the table; its rules are in
 * the file named by its verb.
 */
import { fault, isFault, type Result } from "../../../core/faults.ts";
import type { Model } from "../../../core/model/model.ts";
import { authenticateClient, type ClientNeeds } from "../../clients/authenticate.ts";
import type { Client } from "../../clients/model.ts";
import type { Limits } from "../../platform/limits/limits.ts";
import { redeemDeviceCode } from "../device/redeem-device-code.ts";
import { checkProof, type Proven, type Proving } from "../dpop/check-proof.ts";
import { dpopNonceHeaders } from "../dpop/nonces.ts";
import { failedClient } from "../failed-client.ts";
import { errorResponse, ok, parameter, type ProtocolRequest, type ProtocolResponse, repeated } from "../protocol.ts";
import type { GrantNeeds, TokenAnswer } from "./model.ts";
import { redeemCode } from "./redeem-code.ts";
import type { GrantStatements } from "./store.ts";
import { rotateRefreshToken } from "./rotate-refresh-token.ts";

export type ApplicationGranting = GrantNeeds &
  ClientNeeds &
  Proving & { readonly model: Model; readonly limits: Limits; readonly statements: GrantStatements };

type Asked = {
  readonly client: Client;
  readonly request: ApplicationRequest;
  readonly proof: Proven | undefined;
};
type Grant = (asked: Asked) => Promise<Result<TokenAnswer>>;
type Grants = Readonly<Record<string, Grant>>;

/** `password` is none of them: OAuth 2.1 has no such grant. */
export const grantsOf = (needs: ApplicationGranting): Grants => ({
  authorization_code: ({ client, request, proof }) =>
    redeemCode(needs, client, request.form, proof?.jkt ?? null, request.requestId),
  refresh_token: ({ client, request, proof }) =>
    rotateRefreshToken(needs, client, request.form, proof?.jkt ?? null, request.requestId),
  "urn:ietf:params:oauth:grant-type:device_code": ({ client, request, proof }) =>
    redeemDeviceCode(needs, client, request.form, proof, request.requestId),
});
export const applicationGrants: readonly string[] = [
  "authorization_code",
  "refresh_token",
  "urn:ietf:params:oauth:grant-type:device_code",
];

/** What of a request the grants read; gRPC's messages are made into one. */
export type ApplicationRequest = Omit<ProtocolRequest, "query" | "body">;

export const applicationToken = async (
  needs: ApplicationGranting,
  request: ProtocolRequest,
): Promise<ProtocolResponse> => {
  const answer = await applicationGrant(needs, request, grantsOf(needs));
  // RFC 9449 §8.2: who proves a key hears which nonce to use next.
  const proving = request.headers["dpop"] !== undefined || (isFault(answer) && answer.fault === "use_dpop_nonce");
  const response = isFault(answer)
    ? errorResponse(answer, request.authorization !== undefined)
    : ok(JSON.stringify(answer));
  return proving ? { ...response, headers: { ...response.headers, ...dpopNonceHeaders(needs) } } : response;
};

/** The application authenticates, proves its key, and is given what the grant it asks for gives. */
export const applicationGrant = async (
  needs: ApplicationGranting,
  request: ApplicationRequest,
  grants: Grants,
): Promise<Result<TokenAnswer>> => {
  const twice = repeated(request.form);
  if (twice !== undefined) return twice;
  const authenticated = await authenticateClient(needs, request);
  if (isFault(authenticated)) return failedClient(needs, authenticated, request);
  const { client } = authenticated;
  const type = parameter(request.form, "grant_type");
  if (isFault(type)) return type;
  const grant = grantAskedFor(client, type.value, grants);
  if (isFault(grant)) return grant;
  const proof = await checkProof(needs, request, {
    required: client.metadata.dpop_bound_access_tokens,
    tenant: client.tenant,
  });
  if (isFault(proof)) return proof;
  // The first ID token of an algorithm needs a key made, which no transaction of a grant may wait for.
  if (client.metadata.scope.includes("openid")) await needs.keys.signer(client.metadata.id_token_signed_response_alg);
  return grant.run({ client, request, proof });
};

/** The grant the client asks for, if it is registered for it (RFC 6749 §5.2). */
const grantAskedFor = (client: Client, type: string | undefined, grants: Grants): Result<{ readonly run: Grant }> => {
  if (type === undefined) return fault("invalid_argument", "the parameter `grant_type` is missing");
  const run = Object.hasOwn(grants, type) ? grants[type] : undefined;
  if (run !== undefined)
    return client.metadata.grant_types.some((one) => one === type)
      ? { run }
      : fault("unauthorized_client", `the client is not registered for the grant \`${type}\``);
  return type === "client_credentials"
    ? fault("unauthorized_client", "an application acts for humans; client credentials are for service accounts")
    : fault("unsupported_grant_type", `the grant type \`${type}\` is not supported`);
};
