/**
 * The issuer's keys (RFC 7517), kept so that a token is verified without a call.
 *
 * They are fetched anew in the background when they grow old, waited for when they are too old, and fetched for a `kid` nobody knows at most
 * twice a minute, however many tokens name one: a forger must not make us the issuer's attacker.
 */
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { ask, type Asking, membersOf, reasonIn, Unreachable } from "../ask.ts";
import type { Issuer } from "../issuer.ts";

/** A key that was taken out of the set is believed this long at most. */
const too_old_ms = 10 * 60_000;
const old_ms = 5 * 60_000;
const unknown_kid_pause_ms = 30_000;
const failed_pause_ms = 1_000;
const keys_max = 100;

export type Keys = {
  readonly find: JWTVerifyGetKey;
  /** Rejects where there are none that may be believed. */
  readonly ready: () => Promise<void>;
};

export const keysOf = (needs: Asking & { readonly issuer: Issuer }): Keys => {
  const { platform } = needs;
  let set: { readonly find: JWTVerifyGetKey; readonly at: number } | undefined;
  let fetching: Promise<void> | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;
  let soughtAt = Number.NEGATIVE_INFINITY;

  const fetched = async (): Promise<void> => {
    try {
      const { jwks_uri } = await needs.issuer.metadata();
      const said = await ask(needs, jwks_uri, { headers: { accept: "application/json" } });
      const keys = membersOf(said.body).keys;
      if (said.status !== 200 || !Array.isArray(keys) || keys.length > keys_max)
        throw new Unreachable(`there is no key set at ${jwks_uri}: ${reasonIn(said)}`);
      set = { find: createLocalJWKSet(said.body as JSONWebKeySet), at: platform.now() };
    } catch (error) {
      failedAt = platform.now();
      platform.report("the issuer's keys could not be fetched", error);
      throw error;
    }
  };
  const refresh = (): Promise<void> => {
    if (fetching === undefined && platform.now() - failedAt < failed_pause_ms)
      return Promise.reject(new Unreachable("the issuer's keys could not be fetched a moment ago"));
    fetching ??= fetched().finally(() => (fetching = undefined));
    return fetching;
  };
  const current = async (): Promise<JWTVerifyGetKey> => {
    const age = set === undefined ? Number.POSITIVE_INFINITY : platform.now() - set.at;
    if (set === undefined || age > too_old_ms) await refresh();
    else if (age > old_ms) void refresh().catch(() => undefined);
    if (set === undefined) throw new Unreachable("there are no keys");
    return set.find;
  };

  return {
    ready: async () => void (await current()),
    find: async (header, token) => {
      if (typeof header.kid !== "string" || header.kid === "") throw new errors.JWKSNoMatchingKey();
      try {
        return await (await current())(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey) || platform.now() - soughtAt < unknown_kid_pause_ms)
          throw error;
        // Only what was looked for and not found is left alone for a while: a failed look says nothing about the key.
        await refresh();
        soughtAt = platform.now();
        return (await current())(header, token);
      }
    },
  };
};
