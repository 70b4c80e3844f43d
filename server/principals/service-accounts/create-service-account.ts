/** Creates a service account with its first client secret, which is shown in this answer and never again. */
import Type from "typebox";
import { fault, isFault } from "../../../core/faults.ts";
import { formatRef, type PrincipalId } from "../../../core/ids.ts";
import { displayName, id, ref, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { knownPatterns } from "../../operations/patterns.ts";
import { atParent, findNodeByRef, nodeRef } from "../../operations/targets.ts";
import { newId, randomText } from "../../platform/random.ts";
import { newSecret } from "../../tokens/secret-text.ts";
import { checkKeys } from "./check-keys.ts";
import { accessTokenFormat, accessTokenTtl, accessTokenTtlSecondsDefault, collection, jwks, scopes } from "./model.ts";
import { insertClientSecret, insertServiceAccount } from "./store.ts";

const clientIdAlphabet = "0123456789abcdefghijklmnopqrstuvwxyz";
const clientIdLength = 20;

/** Public, and never reused: 20 characters of 36, over 100 bits. */
export const newClientId = (): string => `sa_live_${randomText(clientIdAlphabet, clientIdLength)}`;

export const createServiceAccount = operation({
  name: "service-accounts.create",
  summary: "Create a service account; its client secret is shown once",
  kind: "change",
  method: "POST",
  path: "/v1/service-accounts",
  status: 201,
  input: strict({
    parent: ref("the perimeter it belongs to"),
    display_name: displayName,
    scopes: Type.Optional(scopes),
    access_token_format: Type.Optional(accessTokenFormat),
    access_token_ttl_seconds: Type.Optional(accessTokenTtl),
    jwks: Type.Optional(jwks),
  }),
  output: strict({
    id,
    resource: ref("service-accounts/{uuid}"),
    parent: ref("the perimeter it belongs to"),
    display_name: displayName,
    client_id: Type.String(),
    client_secret: Type.String({ description: "shown once" }),
  }),
  permission: "service-accounts:create",
  scope: "tenant",
  secrets: ["client_secret"],
  target: atParent,
  event: (account) => ({
    type: "service-account.created",
    subject: account.resource,
    data: { parent: account.parent, display_name: account.display_name, client_id: account.client_id },
  }),
  run: async (tx, input, { model, now }) => {
    const node = await findNodeByRef(tx, model, input.parent);
    if (isFault(node)) return node;
    const unknown = knownPatterns(model, tx.tenant, "scopes", input.scopes ?? []);
    if (unknown !== undefined) return unknown;
    const keys = input.jwks === undefined ? undefined : checkKeys(input.jwks);
    if (isFault(keys)) return keys;
    if (node.state !== "active") return fault("not_admissible", `\`${input.parent}\` is ${node.state}`);

    const account = newId<PrincipalId>();
    const secret = newSecret("client_secret", tx.tenant, account);
    const at = new Date(now);
    const clientId = newClientId();
    await insertServiceAccount(tx, {
      tenant: tx.tenant,
      id: account,
      node: { id: node.id, type: node.type },
      clientId,
      displayName: input.display_name,
      state: "active",
      scopes: input.scopes ?? ["*"],
      accessTokenFormat: input.access_token_format ?? "jwt",
      accessTokenTtlSeconds: input.access_token_ttl_seconds ?? accessTokenTtlSecondsDefault,
      jwks: keys ?? null,
      revision: 1,
      createTime: at,
      updateTime: at,
    });
    await insertClientSecret(tx, { id: newId(), account, hash: secret.hash, keyId: secret.keyId, createTime: at });
    return {
      id: account,
      resource: formatRef(collection, account),
      parent: nodeRef(model, node),
      display_name: input.display_name,
      client_id: clientId,
      client_secret: secret.text,
    };
  },
});
