/**
 * Token introspection (RFC 7662), the busiest endpoint there is: a gateway asks about a token on every request.
 *
 * The caller's credential and the token are looked up together in one cache round trip, and the answer is sent as it was cached.
 */
import { fault, isFault, type Result } from "../../core/faults.ts";
import { applicationNamed } from "../clients/authenticate.ts";
import { holds, lacking } from "../tokens/holds.ts";
import { isToken, type Presented, recognise } from "../tokens/presented.ts";
import { inactiveIntrospection, mayLookInto, type Standing, type Verified, type Verifier } from "../tokens/standing.ts";
import { acceptCaller, type ClientAuthentication, readAttempt } from "./client-authentication.ts";
import type { Proving } from "./dpop/check-proof.ts";
import { failedClient } from "./failed-client.ts";
import { type ApplicationAsking, introspectForApplication } from "./grants/introspect-for-application.ts";
import { errorResponse, ok, parameter, type ProtocolRequest, type ProtocolResponse } from "./protocol.ts";

export type Introspection = ClientAuthentication & Proving & { readonly verifier: Verifier };

/** What a caller needs to ask about anyone's token but its own. */
export const introspectPermission = "tokens:introspect";

export const introspect = async (
  needs: Introspection & ApplicationAsking,
  request: ProtocolRequest,
): Promise<ProtocolResponse> => {
  const attempt = readAttempt(request, true);
  if (isFault(attempt)) return errorResponse(attempt, request.authorization !== undefined);
  const token = parameter(request.form, "token");
  const presented = isFault(token) || token.value === undefined ? undefined : recognise(token.value);

  const credential = attempt.by === "assertion" ? undefined : attempt.presented;
  const [verifiedCaller, verifiedToken] = await needs.verifier.verify([credential, presented]);
  const caller = await acceptCaller(needs, attempt, verifiedCaller, request);
  if (isFault(caller))
    // Machines are tried first: they ask on every request they serve, and an application now and then.
    return caller.fault === "invalid_client" && applicationNamed(request) !== undefined
      ? introspectForApplication(needs, request)
      : errorResponse(await failedClient(needs, caller, request), attempt.header);

  if (isFault(token)) return errorResponse(token, false);
  if (token.value === undefined)
    return errorResponse(fault("invalid_argument", "the parameter `token` is missing"), false);
  const answer = introspectionFor(needs, caller, presented, verifiedToken);
  return isFault(answer) ? errorResponse(answer, false) : ok(answer);
};

/** What this caller may know about the token, as RFC 7662 §2.2 JSON. Foreign, malformed, dead: the same answer to the octet. */
export const introspectionFor = (
  needs: Introspection,
  caller: Standing,
  presented: Presented | undefined,
  verified: Verified | undefined,
): Result<string> => {
  const own =
    presented !== undefined && presented.tenant === caller.tenant && presented.principal === caller.principal.id;
  const allowed = own || holds(needs.model, caller, introspectPermission, needs.platform.clock.now());
  if (!allowed) return lacking(introspectPermission, "introspecting another principal's token");
  if (presented === undefined || verified === undefined || !isToken(presented)) return inactiveIntrospection;
  return mayLookInto(caller.tenant, presented.tenant) ? verified.introspection : inactiveIntrospection;
};
