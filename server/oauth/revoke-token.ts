/**
 * Token revocation (RFC 7009). When the answer is sent, no process says yes to the token any more (invariant 7).
 *
 * A token is revoked by the client it was issued to, by its owner, or by who holds `tokens:revoke` in its tenant.
 */
import { fault, isFault, type Result } from "../../core/faults.ts";
import { applicationNamed } from "../clients/authenticate.ts";
import { holds } from "../tokens/holds.ts";
import { isToken, recognise } from "../tokens/presented.ts";
import { readSecret } from "../tokens/secret-text.ts";
import type { SigningKeys } from "../tokens/signing-keys.ts";
import { mayLookInto, type Standing, type Verifier } from "../tokens/standing.ts";
import { acceptCaller, type ClientAuthentication, readAttempt } from "./client-authentication.ts";
import type { Proving } from "./dpop/check-proof.ts";
import { failedClient } from "./failed-client.ts";
import { type ApplicationRevoking, revokeForApplication } from "./grants/revoke-for-application.ts";
import { revokeRefreshToken } from "./grants/revoke-refresh-token.ts";
import { clientAttribution } from "./issue-token.ts";
import { errorResponse, parameter, type ProtocolRequest, type ProtocolResponse } from "./protocol.ts";
import {
  type FoundToken,
  nothingLeft,
  notYours,
  revokeAccess,
  type Revoked,
  revokedResponse,
} from "./revoke-access.ts";

export type Revoking = ClientAuthentication & Proving & { readonly verifier: Verifier; readonly keys: SigningKeys };

const revokePermission = "tokens:revoke";

export const revokeEndpoint = async (
  needs: Revoking & ApplicationRevoking,
  request: ProtocolRequest,
): Promise<ProtocolResponse> => {
  if (applicationNamed(request) !== undefined) return revokeForApplication(needs, request);
  const attempt = readAttempt(request, true);
  if (isFault(attempt)) return errorResponse(attempt, request.authorization !== undefined);
  const [verified] = attempt.by === "assertion" ? [undefined] : await needs.verifier.verify([attempt.presented]);
  const caller = await acceptCaller(needs, attempt, verified, request);
  if (isFault(caller)) return errorResponse(await failedClient(needs, caller, request), attempt.header);
  const token = parameter(request.form, "token");
  if (isFault(token)) return errorResponse(token, false);
  if (token.value === undefined)
    return errorResponse(fault("invalid_argument", "the parameter `token` is missing"), false);
  const done = await revokeToken(needs, caller, token.value, request.requestId);
  return isFault(done) ? errorResponse(done, false) : revokedResponse(done);
};

/** Done for a token that never was, too (§2.2): there is nothing left to revoke. */
export const revokeToken = async (
  needs: Revoking,
  caller: Standing,
  text: string,
  requestId: string,
): Promise<Result<Revoked>> => {
  const refresh = readSecret(text, ["refresh_token"]);
  if (refresh !== undefined)
    return revokeRefreshToken(needs, refresh, ({ user, bound }) => {
      if (!mayLookInto(caller.tenant, bound)) return undefined;
      const attribution = clientAttribution(caller, requestId);
      if (user === caller.principal.id) return { attribution, reason: "revoked_by_user" };
      return holds(needs.model, caller, revokePermission, needs.platform.clock.now())
        ? { attribution, reason: "revoked_by_client", permission: revokePermission }
        : notYours;
    });
  const presented = recognise(text);
  if (presented === undefined || !isToken(presented) || !mayLookInto(caller.tenant, presented.tenant))
    return nothingLeft;
  return revokeAccess(needs, presented, (token) => {
    const allowed = mayRevoke(needs, caller, token);
    if (isFault(allowed)) return allowed;
    return {
      attribution: clientAttribution(caller, requestId),
      permission: token.owner.id === caller.principal.id ? null : revokePermission,
      bypass: caller.tenant !== presented.tenant,
    };
  });
};

const mayRevoke = (needs: Revoking, caller: Standing, token: FoundToken): Result<true> => {
  const own = token.owner.id === caller.principal.id && (token.clientId === null || token.clientId === caller.clientId);
  if (own) return true;
  return holds(needs.model, caller, revokePermission, needs.platform.clock.now()) ? true : notYours;
};
