/** Revocation by the application a token was issued to (RFC 7009 §2.1); a public client names itself, which is all it can do. */
import { type Attribution, unattributed } from "../../../core/attribution.ts";
import { fault, isFault, type Result } from "../../../core/faults.ts";
import { principalRef } from "../../../core/ids.ts";
import { authenticateClient, type ClientNeeds } from "../../clients/authenticate.ts";
import type { Client } from "../../clients/model.ts";
import type { Limits } from "../../platform/limits/limits.ts";
import { isToken, recognise } from "../../tokens/presented.ts";
import { readSecret } from "../../tokens/secret-text.ts";
import { errorResponse, parameter, type ProtocolRequest, type ProtocolResponse } from "../protocol.ts";
import { type Ending, nothingLeft, notYours, revokeAccess, type Revoked, revokedResponse } from "../revoke-access.ts";
import { failedClient } from "../failed-client.ts";
import { revokeRefreshToken } from "./revoke-refresh-token.ts";

export type ApplicationRevoking = ClientNeeds & { readonly limits: Limits };

export const revokeForApplication = async (
  needs: Ending & ApplicationRevoking,
  request: ProtocolRequest,
): Promise<ProtocolResponse> => {
  const done = await judged(needs, request);
  return isFault(done) ? errorResponse(done, request.authorization !== undefined) : revokedResponse(done);
};

const judged = async (needs: Ending & ApplicationRevoking, request: ProtocolRequest): Promise<Result<Revoked>> => {
  const authenticated = await authenticateClient(needs, request);
  if (isFault(authenticated)) return failedClient(needs, authenticated, request);
  const token = parameter(request.form, "token");
  if (isFault(token)) return token;
  if (token.value === undefined) return fault("invalid_argument", "the parameter `token` is missing");
  return revokeOwn(needs, authenticated.client, token.value, request.requestId);
};

const byClient = (client: Client, subject: string, requestId: string): Attribution => ({
  ...unattributed,
  subject,
  client_id: client.clientId,
  request_id: requestId,
});

/** §2.2: done for a token that never was; another client's is refused. */
export const revokeOwn = async (
  needs: Ending,
  client: Client,
  text: string,
  requestId: string,
): Promise<Result<Revoked>> => {
  const refresh = readSecret(text, ["refresh_token"]);
  if (refresh !== undefined)
    return revokeRefreshToken(needs, refresh, (grant) =>
      grant.client_tenant === client.tenant && grant.application === client.id
        ? {
            attribution: byClient(client, principalRef("human", grant.user), requestId),
            reason: "revoked_by_client",
          }
        : notYours,
    );
  const presented = recognise(text);
  if (presented === undefined || !isToken(presented)) return nothingLeft;
  return revokeAccess(needs, presented, (token) =>
    token.clientId === client.clientId
      ? {
          attribution: byClient(client, principalRef(token.owner.kind, token.owner.id), requestId),
          permission: null,
          bypass: false,
        }
      : notYours,
  );
};
