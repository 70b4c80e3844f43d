/**
 * Replaces a service account's client secret. The old one ends in the same transaction, or lives on for an overlap the caller asks
 * for; never more than two are alive (design §8).
 */
import Type from "typebox";
import { fault, isFault } from "../../../core/faults.ts";
import { formatRef } from "../../../core/ids.ts";
import { expectRevision, overtaken } from "../../operations/etag.ts";
import { id, ref, strict, time } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { principalVersion } from "../../platform/cache/fresh-cache.ts";
import { newId } from "../../platform/random.ts";
import { newSecret } from "../../tokens/secret-text.ts";
import { atServiceAccount, beyondTakingOver, knownServiceAccount } from "./find.ts";
import { collection, liveSecretsMax, overlapSecondsMax } from "./model.ts";
import { countLiveSecrets, endClientSecrets, insertClientSecret, updateServiceAccount } from "./store.ts";

export const rotateSecret = operation({
  name: "service-accounts.rotate",
  summary: "Replace a service account's client secret; the new one is shown once",
  kind: "change",
  method: "POST",
  path: "/v1/service-accounts/{id}:rotate",
  status: 200,
  input: strict({
    id,
    overlap_seconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: overlapSecondsMax,
        description: "how long the old secret still works; 0 unless said otherwise",
      }),
    ),
  }),
  output: strict({
    id,
    resource: ref("service-accounts/{uuid}"),
    client_id: Type.String(),
    client_secret: Type.String({ description: "shown once" }),
    previous_expire_time: Type.Union([time, Type.Null()], {
      description: "when the old secret ends; null when it has ended",
    }),
  }),
  permission: "service-accounts:rotate",
  scope: "tenant",
  secrets: ["client_secret"],
  target: atServiceAccount,
  event: (account) => ({
    type: "service-account.rotated",
    subject: account.resource,
    data: { client_id: account.client_id, previous_expire_time: account.previous_expire_time },
  }),
  run: async (tx, input, context) => {
    const { now, ifMatch } = context;
    const account = await knownServiceAccount(tx, input.id);
    if (isFault(account)) return account;
    const beyond = await beyondTakingOver(tx, account, context);
    if (beyond !== undefined) return beyond;
    const expected = expectRevision(ifMatch, account.revision, "optional");
    if (isFault(expected)) return expected;
    const at = new Date(now);
    // Raising the revision first makes two rotations at once take turns, so the bound below holds.
    if (!(await updateServiceAccount(tx, account.id, expected.revision, {}, at))) return overtaken();
    const overlap = input.overlap_seconds ?? 0;
    const expires = overlap > 0 ? new Date(now + overlap * 1000) : undefined;
    if (expires !== undefined && (await countLiveSecrets(tx, account.id, at)) >= liveSecretsMax)
      return fault(
        "illegal_transition",
        `${liveSecretsMax} secrets are alive already; rotate without an overlap, or wait for the older one to end`,
      );
    await endClientSecrets(tx, account.id, at, expires);
    const secret = newSecret("client_secret", tx.tenant, account.id);
    await insertClientSecret(tx, {
      id: newId(),
      account: account.id,
      hash: secret.hash,
      keyId: secret.keyId,
      createTime: at,
    });
    tx.touch(principalVersion(tx.tenant, account.id));
    return {
      id: account.id,
      resource: formatRef(collection, account.id),
      client_id: account.clientId,
      client_secret: secret.text,
      previous_expire_time: expires?.toISOString() ?? null,
    };
  },
});
