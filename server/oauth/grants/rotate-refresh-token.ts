/**
 * refresh_token (RFC 6749 §6, RFC 9700 §4.14.2).
 *
 *     live → used (exchanged for the next) → reused (its family ended)
 *
 * Every use rotates, in one statement that spends the old token, writes the next one and the record; the signatures are made after it. Only
 * a confidential client registered as `fixed` keeps its token (FAPI 2.0 §5.3.2.1). The human, the session, the tenant and the membership
 * are asked about every time; the client was when it authenticated.
 */
import { type Fault, fault, isFault, type Result } from "../../../core/faults.ts";
import type { Model } from "../../../core/model/model.ts";
import type { Client } from "../../clients/model.ts";
import type { Form } from "../../platform/web/request.ts";
import { digestOctets } from "../../tokens/digest.ts";
import { readSecret } from "../../tokens/secret-text.ts";
import { parameter } from "../protocol.ts";
import { makeAnswer, prepareTokens } from "./make-tokens.ts";
import type { GrantNeeds, TokenAnswer } from "./model.ts";
import { beyond, isWish, readWish } from "./narrow.ts";
import { isStandingError, notStanding } from "./open-family.ts";
import { recordMisuse } from "./record-misuse.ts";
import {
  type GrantStatements,
  type RefreshError,
  readRefreshGrant,
  rotateRefreshTokenIn,
  type StandingError,
} from "./store.ts";

const refused = (why: string): Fault => fault("invalid_grant", `the refresh token is not accepted: ${why}`);
/** One answer for a token that never was, and for one that is another client's. */
const unknown = refused("it is unknown, expired, revoked or another client's");

const rotates = ({ metadata }: Client): boolean =>
  metadata.refresh_token_rotation === "rotate" || metadata.token_endpoint_auth_method === "none";

export const rotateRefreshToken = async (
  needs: GrantNeeds & { readonly model: Model; readonly statements: GrantStatements },
  client: Client,
  form: Form,
  jkt: string | null,
  requestId: string,
): Promise<Result<TokenAnswer>> => {
  const token = parameter(form, "refresh_token");
  if (isFault(token)) return token;
  if (token.value === undefined) return fault("invalid_argument", "the parameter `refresh_token` is missing");
  const wish = readWish(client, form);
  if (isFault(wish)) return wish;
  const presented = readSecret(token.value, ["refresh_token"]);
  if (presented === undefined) return unknown;
  const { tenant: home, principal: user } = presented;
  const hash = digestOctets(presented.digest);
  const { database, clock } = needs.platform;

  // What was granted never changes, so asking first, where the client wants less, races with nothing.
  const opaque = client.metadata.access_token_format === "opaque";
  const grant = opaque || isWish(wish) ? await readRefreshGrant(database, home, hash) : undefined;
  if ((opaque || isWish(wish)) && (grant?.client_tenant !== client.tenant || grant.application !== client.id))
    return unknown;
  const more = grant && !grant.used && !grant.ended ? beyond(needs.model, wish, grant) : undefined;
  if (more !== undefined) return more;

  const now = clock.now();
  const withRefresh = rotates(client);
  const prepared = prepareTokens({ client, home, user, bound: opaque ? grant?.bound : undefined, withRefresh, now });
  const rotated = await rotateRefreshTokenIn(needs.statements, {
    home,
    hash,
    client,
    jkt,
    now: new Date(now),
    tokens: prepared.stored,
    rotate: withRefresh,
    ...wish,
    requestId,
  });
  if ("error" in rotated) {
    if (rotated.error === "reused")
      await recordMisuse(needs, { home, family: rotated.family ?? "", requestId }, "refresh_token_reused");
    return faultOf(rotated.error);
  }
  const { spec } = rotated;
  return makeAnswer(needs, {
    client,
    user: rotated.user,
    human: rotated.human,
    family: rotated.family,
    spec,
    scopes: wish.scopes ?? spec.scopes,
    audience: wish.audience ?? spec.audience,
    details: wish.details ?? spec.details,
    jkt,
    refreshed: true,
    prepared,
    now,
  });
};

const errors: Readonly<Record<RefreshError, Fault>> = {
  reused: refused("it has been used, and what came of it is revoked"),
  key: refused("it is bound to another key than the one that was proven"),
  unknown,
  ended: unknown,
  expired: unknown,
};

const faultOf = (error: RefreshError | StandingError): Fault =>
  isStandingError(error) ? notStanding(error) : errors[error];
