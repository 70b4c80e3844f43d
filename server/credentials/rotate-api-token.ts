/**
 * Replaces an API token by another with the same owner, name and scopes. The old one ends in the same transaction (design §8), so that
 * there is no moment at which both work; who needs an overlap creates a second token.
 *
 * The caller gets a new token's text into its hands, so the rotation is judged as a creation would be.
 */
import Type from "typebox";
import { fault, isFault } from "../../core/faults.ts";
import type { CredentialId } from "../../core/ids.ts";
import { expectRevision } from "../operations/etag.ts";
import { id, ref, strict, time } from "../operations/fields.ts";
import { operation } from "../operations/operation.ts";
import { principalVersion } from "../platform/cache/fresh-cache.ts";
import { newId } from "../platform/random.ts";
import { newSecret } from "../tokens/secret-text.ts";
import { checkOwner, checkScopes, expiryOf } from "./check-token.ts";
import { atToken, knownToken } from "./find.ts";
import { type ApiToken, newTokenFields, renderNew, stateOf, tokenRef } from "./model.ts";
import { endToken, insertToken } from "./store.ts";

const permission = "api-tokens:rotate";

export const rotateApiToken = operation({
  name: "api-tokens.rotate",
  summary: "Replace an API token; the old one ends at once, the new one is shown once",
  kind: "change",
  method: "POST",
  path: "/v1/api-tokens/{id}:rotate",
  status: 200,
  input: strict({ id, expire_time: Type.Optional(time) }),
  output: strict({ ...newTokenFields, replaces: ref("the token that has ended") }),
  permission,
  scope: "tenant",
  secrets: ["token"],
  target: atToken(permission),
  event: (token) => [
    {
      type: "token.revoked",
      subject: token.replaces,
      data: { token: token.replaces, owner: token.owner, reason: "rotated" },
    },
    {
      type: "api-token.rotated",
      subject: token.resource,
      data: {
        owner: token.owner,
        replaces: token.replaces,
        key_id: token.key_id,
        scopes: token.scopes,
        expire_time: token.expire_time,
      },
    },
  ],
  run: async (tx, input, context) => {
    const { now, ifMatch } = context;
    const old = await knownToken(tx, input.id);
    if (isFault(old)) return old;
    const expected = expectRevision(ifMatch, old.revision, "optional");
    if (isFault(expected)) return expected;
    const state = stateOf(old, now);
    if (state !== "active") return fault("illegal_transition", `the token is ${state}; create a new one`);
    const expires = input.expire_time === undefined ? asLongAs(old, now) : expiryOf(input.expire_time, now);
    if (isFault(expires)) return expires;
    const refused = (await checkOwner(tx, old.owner)) ?? (await checkScopes(tx, old.owner, old.scopes, context));
    if (refused !== undefined) return refused;

    const replacement = newId<CredentialId>();
    const ended = await endToken(tx, old.id, new Date(now), replacement);
    if (ended === undefined) return fault("illegal_transition", "the token has been rotated or revoked meanwhile");
    const secret = newSecret("api_token", tx.tenant, old.owner.id);
    const token: ApiToken = {
      ...old,
      id: replacement,
      keyId: secret.keyId,
      createTime: new Date(now),
      expireTime: expires,
      lastUsedTime: null,
      revision: 1,
    };
    await insertToken(tx, token, secret.hash);
    tx.touch(principalVersion(tx.tenant, old.owner.id));
    return { ...renderNew(token, secret.text), replaces: tokenRef(old.id) };
  },
});

/** The lifetime the old one was given, from now on. */
const asLongAs = (old: ApiToken, now: number): Date =>
  new Date(now + old.expireTime.getTime() - old.createTime.getTime());
