/**
 * Takes away a human's authenticator apps, passkeys, recovery codes and remembered browsers: for one who has lost them all. Where the tenant
 * asks for a second factor, the next sign-in enrols a new one. They are told by mail. Sessions go on; `users/{id}:signOut` ends them.
 */
import Type from "typebox";
import { isFault } from "../../core/faults.ts";
import { formatRef } from "../../core/ids.ts";
import { queueMail } from "../mail/queue-mail.ts";
import { defaultLocale, readLocale } from "../messages/messages.ts";
import { id, ref, strict } from "../operations/fields.ts";
import { operation } from "../operations/operation.ts";
import { atUser, knownUser } from "../principals/users/find.ts";
import { collection } from "../principals/users/model.ts";
import { beyondActingAs } from "./find-human.ts";
import { localeOfUser } from "./human-store.ts";
import { removeSecondFactors, secondFactorsOf } from "./second-factors.ts";

const count = Type.Integer({ minimum: 0, description: "how many there were" });

export const resetSecondFactors = operation({
  name: "users.resetSecondFactors",
  summary: "Remove a user's second factors, passkeys and recovery codes",
  kind: "change",
  method: "POST",
  path: "/v1/users/{id}:resetSecondFactors",
  status: 200,
  input: strict({ id }),
  output: strict({ id, resource: ref("users/{uuid}"), totp_devices: count, passkeys: count, recovery_codes: count }),
  permission: "users:reset",
  scope: "tenant",
  target: atUser,
  event: (user) => ({
    type: "user.second-factors-reset",
    subject: user.resource,
    data: { totp_devices: user.totp_devices, passkeys: user.passkeys, recovery_codes: user.recovery_codes },
  }),
  run: async (tx, input, context) => {
    const user = await knownUser(tx, input.id);
    if (isFault(user)) return user;
    const beyond = await beyondActingAs(tx, user, context);
    if (beyond !== undefined) return beyond;
    const human = { home: tx.tenant, user: user.id };
    const had = await secondFactorsOf(tx, human);
    await removeSecondFactors(tx, human);
    await queueMail(
      tx,
      context.sealKey,
      {
        template: "second_factor_changed",
        change: "reset_by_administrator",
        to: user.email,
        locale: readLocale(await localeOfUser(tx, user.id)) ?? defaultLocale,
        tenant: tx.tenant,
      },
      context.now,
    );
    return {
      id: user.id,
      resource: formatRef(collection, user.id),
      totp_devices: had.totp,
      passkeys: had.passkeys,
      recovery_codes: had.recoveryCodes,
    };
  },
});
