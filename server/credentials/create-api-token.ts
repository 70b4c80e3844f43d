/** Creates an API token, for the caller or for another principal of the tenant. Its text is in this answer and never again. */
import Type from "typebox";
import { fault, isFault, type Result } from "../../core/faults.ts";
import { type PrincipalId, parseRef, principalKindOf } from "../../core/ids.ts";
import type { Caller, Principal } from "../authority/caller.ts";
import { displayName, ref, strict, time } from "../operations/fields.ts";
import { operation } from "../operations/operation.ts";
import { principalVersion } from "../platform/cache/fresh-cache.ts";
import type { Tx } from "../platform/database/database.ts";
import { newId } from "../platform/random.ts";
import { newSecret } from "../tokens/secret-text.ts";
import { checkOwner, checkScopes, expiryOf } from "./check-token.ts";
import { overTokensOf } from "./find.ts";
import { type ApiToken, collection, newTokenFields, renderNew, scopes } from "./model.ts";
import { insertToken } from "./store.ts";

const permission = "api-tokens:create";

export const createApiToken = operation({
  name: "api-tokens.create",
  summary: "Create an API token; it is shown once",
  kind: "change",
  method: "POST",
  path: "/v1/api-tokens",
  status: 201,
  input: strict({
    owner: Type.Optional(ref("the principal whose authority it carries; the caller unless said otherwise")),
    display_name: displayName,
    scopes,
    expire_time: time,
  }),
  output: strict(newTokenFields),
  permission,
  scope: "tenant",
  secrets: ["token"],
  target: async (tx, input, context) => {
    const owner = ownerOf(tx, input.owner, context.caller);
    return isFault(owner) ? owner : overTokensOf(tx, owner, permission, collection, context);
  },
  event: (token) => ({
    type: "api-token.created",
    subject: token.resource,
    data: {
      owner: token.owner,
      display_name: token.display_name,
      key_id: token.key_id,
      scopes: token.scopes,
      expire_time: token.expire_time,
    },
  }),
  run: async (tx, input, context) => {
    const owner = ownerOf(tx, input.owner, context.caller);
    if (isFault(owner)) return owner;
    const expires = expiryOf(input.expire_time, context.now);
    if (isFault(expires)) return expires;
    const refused = (await checkOwner(tx, owner)) ?? (await checkScopes(tx, owner, input.scopes, context));
    if (refused !== undefined) return refused;

    const secret = newSecret("api_token", tx.tenant, owner.id);
    const token: ApiToken = {
      tenant: tx.tenant,
      id: newId(),
      owner,
      displayName: input.display_name,
      keyId: secret.keyId,
      scopes: input.scopes,
      createTime: new Date(context.now),
      expireTime: expires,
      revokeTime: null,
      replacedBy: null,
      lastUsedTime: null,
      revision: 1,
    };
    await insertToken(tx, token, secret.hash);
    tx.touch(principalVersion(tx.tenant, owner.id));
    return renderNew(token, secret.text);
  },
});

const ownerOf = (tx: Tx, text: string | undefined, caller: Caller): Result<Principal> => {
  if (text === undefined)
    return caller.tenant === tx.tenant
      ? caller.principal
      : fault("not_admissible", "you belong to another tenant; name the token's `owner`");
  const named = parseRef(text);
  const kind = named && principalKindOf(named.collection);
  return named === undefined || kind === undefined
    ? fault("invalid_argument", `\`owner\` is \`${text}\`, and must be \`users/{uuid}\` or \`service-accounts/{uuid}\``)
    : { kind, id: named.id as PrincipalId };
};
