/** Opens a token family: the end of every grant in which a human has said yes (device, password; a code does it as it is redeemed). */
import { type Fault, fault, type Result } from "../../../core/faults.ts";
import type { Client } from "../../clients/model.ts";
import type { Tx } from "../../platform/database/database.ts";
import { newId } from "../../platform/random.ts";
import { makeAnswer, prepareTokens } from "./make-tokens.ts";
import type { FamilySpec, GrantNeeds, TokenAnswer } from "./model.ts";
import { insertFamily, type StandingError } from "./store.ts";

export const mayRefresh = (client: Client): boolean => client.metadata.grant_types.includes("refresh_token");

/** RFC 9449 §5: a public client proves itself by nothing else, so its refresh tokens are bound to its key. */
export const bindsRefresh = (client: Client): boolean => client.metadata.token_endpoint_auth_method === "none";

const standingErrors = ["user", "session", "membership"] as const satisfies readonly StandingError[];
export const isStandingError = (error: string): error is StandingError => standingErrors.some((one) => one === error);

/** What the human, the session or the membership has become is none of the client's business. */
export const notStanding = (_error: StandingError): Fault =>
  fault("invalid_grant", "the human, the session or the membership it was given for does not stand any more");

/**
 * Writes the family and its first refresh token (where the client may refresh), and makes its tokens. Any transaction will do: the rows
 * are written in the human's home, whichever tenant it was opened for. `invalid_grant` where the human, the session, a tenant or the
 * membership does not stand any more. The key that signs the client's ID tokens must have been made (`SigningKeys.signer`).
 */
export const openFamily = async (needs: GrantNeeds, tx: Tx, spec: FamilySpec): Promise<Result<TokenAnswer>> => {
  const { client, home, user, bound, scopes, jkt } = spec;
  const now = needs.platform.clock.now();
  const prepared = prepareTokens({
    client,
    home,
    user,
    bound: client.metadata.access_token_format === "opaque" ? bound : undefined,
    withRefresh: mayRefresh(client),
    now,
  });
  const family = newId<string>();
  const stored = {
    session: spec.session,
    offline: scopes.includes("offline_access"),
    client_tenant: client.tenant,
    application: client.id,
    client_id: client.clientId,
    bound,
    scopes,
    audience: spec.audience.length === 0 ? [needs.issuer] : spec.audience,
    details: spec.details,
    claims: spec.claims,
    nonce: spec.nonce,
    acr: spec.acr,
    methods: spec.methods,
    auth_time: spec.authTime,
  };
  const human = await insertFamily(tx, {
    home,
    user,
    family,
    spec: stored,
    now: new Date(now),
    tokens: prepared.stored,
    jkt,
    bind: bindsRefresh(client),
    credential: spec.grant,
    requestId: spec.requestId,
  });
  if ("error" in human) return notStanding(human.error);
  return makeAnswer(needs, {
    client,
    user,
    human,
    family,
    spec: stored,
    scopes,
    audience: stored.audience,
    details: spec.details,
    jkt,
    refreshed: false,
    prepared,
    now,
  });
};
