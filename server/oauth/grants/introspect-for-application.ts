/**
 * Introspection by an application (RFC 7662 §2.1): of the tokens that were issued to it, and of no others. A public client cannot prove who
 * it is, and asks about nothing.
 */
import { fault, isFault, type Result } from "../../../core/faults.ts";
import { principalRef } from "../../../core/ids.ts";
import { authenticateClient, type ClientNeeds } from "../../clients/authenticate.ts";
import type { Client } from "../../clients/model.ts";
import { seconds } from "../../platform/clock.ts";
import type { Limits } from "../../platform/limits/limits.ts";
import { digestOctets } from "../../tokens/digest.ts";
import { isToken, recognise } from "../../tokens/presented.ts";
import { type PresentedSecret, readSecret } from "../../tokens/secret-text.ts";
import { inactiveIntrospection, type Verifier } from "../../tokens/standing.ts";
import { errorResponse, ok, parameter, type ProtocolRequest, type ProtocolResponse } from "../protocol.ts";
import { failedClient } from "../failed-client.ts";
import { readRefreshGrant } from "./store.ts";

export type ApplicationAsking = ClientNeeds & { readonly limits: Limits; readonly verifier: Verifier };

export const introspectForApplication = async (
  needs: ApplicationAsking,
  request: ProtocolRequest,
): Promise<ProtocolResponse> => {
  const answer = await judged(needs, request);
  return isFault(answer) ? errorResponse(answer, request.authorization !== undefined) : ok(answer);
};

const judged = async (needs: ApplicationAsking, request: ProtocolRequest): Promise<Result<string>> => {
  const authenticated = await authenticateClient(needs, request);
  if (isFault(authenticated)) return failedClient(needs, authenticated, request);
  const { client, method } = authenticated;
  if (method === "none") return fault("invalid_client", "a public client cannot prove who it is, and may not ask");
  const token = parameter(request.form, "token");
  if (isFault(token)) return token;
  if (token.value === undefined) return fault("invalid_argument", "the parameter `token` is missing");
  const refresh = readSecret(token.value, ["refresh_token"]);
  return refresh === undefined ? accessToken(needs, client, token.value) : refreshToken(needs, client, refresh);
};

const accessToken = async (needs: ApplicationAsking, client: Client, text: string): Promise<string> => {
  const presented = recognise(text);
  if (presented === undefined || !isToken(presented)) return inactiveIntrospection;
  const [verified] = await needs.verifier.verify([presented]);
  return verified?.standing().clientId === client.clientId ? verified.introspection : inactiveIntrospection;
};

const refreshToken = async (
  { platform, issuer }: ApplicationAsking,
  client: Client,
  presented: PresentedSecret<"refresh_token">,
): Promise<string> => {
  const grant = await readRefreshGrant(platform.database, presented.tenant, digestOctets(presented.digest));
  const stands =
    grant?.client_tenant === client.tenant &&
    grant.application === client.id &&
    !grant.ended &&
    !grant.used &&
    grant.expires > platform.clock.now();
  if (!stands) return inactiveIntrospection;
  return JSON.stringify({
    active: true,
    iss: issuer,
    sub: principalRef("human", grant.user),
    client_id: grant.client_id,
    scope: grant.scopes.join(" "),
    iat: grant.issued,
    exp: seconds(grant.expires),
    cnf: grant.jkt === null ? undefined : { jkt: grant.jkt },
    tenant_id: grant.bound,
  });
};
