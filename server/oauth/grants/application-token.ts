/**
 * The token endpoint for applications: who calls, with which grant, proving which key. Each grant is a row of the table; its rules are in
 * the file named by its verb.
 */
import { type Fault, fault, isFault, type Result } from "../../../core/faults.ts";
import type { Model } from "../../../core/model/model.ts";
import { authenticateClient, type ClientNeeds } from "../../clients/authenticate.ts";
import type { Client } from "../../clients/model.ts";
import type { Limits } from "../../platform/limits/limits.ts";
import { redeemDeviceCode } from "../device/redeem-device-code.ts";
import { checkProof, type Proven, type Proving } from "../dpop/check-proof.ts";
import { dpopNonceHeaders } from "../dpop/nonces.ts";
import { errorResponse, ok, parameter, type ProtocolRequest, type ProtocolResponse, repeated } from "../protocol.ts";
import type { GrantNeeds, TokenAnswer } from "./model.ts";
import { redeemCode } from "./redeem-code.ts";
import { rotateRefreshToken } from "./rotate-refresh-token.ts";

export type ApplicationGranting = GrantNeeds &
  ClientNeeds &
  Proving & { readonly model: Model; readonly limits: Limits };

type Asked = {
  readonly client: Client;
  readonly form: ProtocolRequest["form"];
  readonly proof: Proven | undefined;
  readonly requestId: string;
};
type Grant = (needs: ApplicationGranting, asked: Asked) => Promise<Result<TokenAnswer>>;

/** `password` is none of them: OAuth 2.1 has no such grant. */
const grants = {
  authorization_code: (needs, { client, form, proof, requestId }) =>
    redeemCode(needs, client, form, proof?.jkt ?? null, requestId),
  refresh_token: (needs, { client, form, proof, requestId }) =>
    rotateRefreshToken(needs, client, form, proof?.jkt ?? null, requestId),
  "urn:ietf:params:oauth:grant-type:device_code": (needs, { client, form, proof, requestId }) =>
    redeemDeviceCode(needs, client, form, proof, requestId),
} as const satisfies Record<string, Grant>;

type ApplicationGrant = keyof typeof grants;
export const applicationGrants: readonly string[] = Object.keys(grants);
const isApplicationGrant = (type: string): type is ApplicationGrant => Object.hasOwn(grants, type);

/** The grant the client asks for, if it is registered for it (RFC 6749 §5.2). */
export const grantAskedFor = (
  client: Client,
  type: string | undefined,
): Result<{ readonly type: ApplicationGrant }> => {
  if (type === undefined) return fault("invalid_argument", "the parameter `grant_type` is missing");
  if (isApplicationGrant(type))
    return client.metadata.grant_types.includes(type)
      ? { type }
      : fault("unauthorized_client", `the client is not registered for the grant \`${type}\``);
  return type === "client_credentials"
    ? fault("unauthorized_client", "an application acts for humans; client credentials are for service accounts")
    : fault("unsupported_grant_type", `the grant type \`${type}\` is not supported`);
};

/** Runs a grant of a client that has proven itself. */
export const runGrant = (
  needs: ApplicationGranting,
  type: ApplicationGrant,
  asked: Asked,
): Promise<Result<TokenAnswer>> => grants[type](needs, asked);

export const applicationToken = async (
  needs: ApplicationGranting,
  request: ProtocolRequest,
): Promise<ProtocolResponse> => {
  const answer = await judged(needs, request);
  // RFC 9449 §8.2: who proves a key hears which nonce to use next.
  const proving = request.headers["dpop"] !== undefined || (isFault(answer) && answer.fault === "use_dpop_nonce");
  const response = isFault(answer)
    ? errorResponse(answer, request.authorization !== undefined)
    : ok(JSON.stringify(answer));
  return proving ? { ...response, headers: { ...response.headers, ...dpopNonceHeaders(needs) } } : response;
};

const judged = async (needs: ApplicationGranting, request: ProtocolRequest): Promise<Result<TokenAnswer>> => {
  const twice = repeated(request.form);
  if (twice !== undefined) return twice;
  const authenticated = await authenticateClient(needs, request);
  if (isFault(authenticated)) return (await tooMany(needs, authenticated, request)) ?? authenticated;
  const { client } = authenticated;
  const type = parameter(request.form, "grant_type");
  if (isFault(type)) return type;
  const grant = grantAskedFor(client, type.value);
  if (isFault(grant)) return grant;
  const proof = await checkProof(needs, request, {
    required: client.metadata.dpop_bound_access_tokens,
    tenant: client.tenant,
  });
  if (isFault(proof)) return proof;
  return runGrant(needs, grant.type, { client, form: request.form, proof, requestId: request.requestId });
};

/** Counted when it fails and no sooner: who authenticates rightly pays nothing for those who do not. */
export const tooMany = async (
  { limits }: Pick<ApplicationGranting, "limits">,
  failure: Fault,
  request: Pick<ProtocolRequest, "address">,
): Promise<Fault | undefined> =>
  failure.fault === "invalid_client" ? limits.take("token.address", request.address()) : undefined;
