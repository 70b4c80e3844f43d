/** The device authorization request (RFC 8628 §3.1): a code for the device to poll with, and one for the human to type. */
import { fault, isFault, type Result } from "../../../core/faults.ts";
import { hostTenant } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import { authenticateClient, type ClientNeeds } from "../../clients/authenticate.ts";
import type { Client } from "../../clients/model.ts";
import type { Limits } from "../../platform/limits/limits.ts";
import { newId } from "../../platform/random.ts";
import type { WebRequest, WebResponse } from "../../platform/web/request.ts";
import { newSecret } from "../../tokens/secret-text.ts";
import { readDetails } from "../authorization-details.ts";
import { readScope } from "../authorize/scope.ts";
import { checkProof, type Proving } from "../dpop/check-proof.ts";
import { errorResponse, ok, parameter, repeated } from "../protocol.ts";
import { readResources } from "../resources.ts";
import { readTenant } from "../tenant-named.ts";
import { deviceTtlSeconds, intervalSeconds, newUserCode, shownUserCode, userCodeHash } from "./model.ts";
import { deviceCodeGrant } from "./redeem-device-code.ts";
import { insertDeviceRequest, type NewDeviceRequest } from "./store.ts";

export type AuthorizingDevices = ClientNeeds &
  Proving & { readonly model: Model; readonly userCodeKey: Buffer; readonly limits: Limits };

/** §3.2. */
type DeviceAnswer = {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete: string;
  readonly expires_in: number;
  readonly interval: number;
};

export const deviceAuthorizationEndpoint = async (
  needs: AuthorizingDevices,
  request: WebRequest,
): Promise<WebResponse> => {
  const twice = repeated(request.form);
  if (twice !== undefined) return errorResponse(twice, false);
  // A public client proves nothing, and may be anybody.
  const limited = await needs.limits.take("device-authorization.address", request.address());
  if (limited !== undefined) return errorResponse(limited, false);
  const caller = await authenticateClient(needs, request);
  if (isFault(caller)) return errorResponse(caller, request.authorization !== undefined);
  const answer = await authorizeDevice(needs, caller.client, request);
  return isFault(answer) ? errorResponse(answer, false) : ok(JSON.stringify(answer));
};

const authorizeDevice = async (
  needs: AuthorizingDevices,
  client: Client,
  request: WebRequest,
): Promise<Result<DeviceAnswer>> => {
  const { form } = request;
  if (!client.metadata.grant_types.includes(deviceCodeGrant))
    return fault("unauthorized_client", "the client is not registered for the device flow");
  const scope = parameter(form, "scope");
  if (isFault(scope)) return scope;
  const scopes = readScope(needs.model, client, scope.value);
  if (isFault(scopes)) return scopes;
  const audience = readResources(form);
  if (isFault(audience)) return audience;
  const text = parameter(form, "authorization_details");
  if (isFault(text)) return text;
  const details = readDetails(text.value, client);
  if (isFault(details)) return details;
  const named = parameter(form, "tenant");
  if (isFault(named)) return named;
  const bound = readTenant(needs.model, client.tenant, named.value);
  if (isFault(bound)) return bound;
  const proof = await checkProof(needs, request, { required: client.metadata.dpop_bound_access_tokens });
  if (isFault(proof)) return proof;
  return begin(needs, client, {
    clientTenant: client.tenant,
    application: client.id,
    clientId: client.clientId,
    scopes,
    audience,
    details,
    bound: bound.tenant,
    jkt: proof?.jkt ?? null,
  });
};

/** Of 25 billion user codes some thousands are in use; another is drawn where one of those was. */
const drawsMax = 5;

const begin = async (
  needs: AuthorizingDevices,
  client: Client,
  request: Omit<
    NewDeviceRequest,
    "id" | "deviceHash" | "userCodeHash" | "intervalSeconds" | "createTime" | "expireTime"
  >,
): Promise<Result<DeviceAnswer>> => {
  const now = needs.platform.clock.now();
  const secret = newSecret("device_code", client.tenant, client.id as Parameters<typeof newSecret>[2]);
  const userCode = await needs.platform.database.transaction(hostTenant, async (tx) => {
    for (let draw = 0; draw < drawsMax; draw += 1) {
      const code = newUserCode();
      const written = await insertDeviceRequest(tx, {
        ...request,
        id: newId(),
        deviceHash: secret.hash,
        userCodeHash: userCodeHash(needs.userCodeKey, code),
        intervalSeconds,
        createTime: new Date(now),
        expireTime: new Date(now + deviceTtlSeconds * 1000),
      });
      if (written) return code;
    }
    return undefined;
  });
  if (userCode === undefined) return fault("unavailable", "no user code is free now; ask again");
  const shown = shownUserCode(userCode);
  return {
    device_code: secret.text,
    user_code: shown,
    verification_uri: `${needs.issuer}/device`,
    verification_uri_complete: `${needs.issuer}/device?user_code=${shown}`,
    expires_in: deviceTtlSeconds,
    interval: intervalSeconds,
  };
};
