/**
 * Sends a human the link to choose a new password. The administrator never sees it: who may do this still comes into nobody's account
 * without reading their mail.
 */
import { fault, isFault } from "../../../core/faults.ts";
import { formatRef } from "../../../core/ids.ts";
import { id, ref, strict, time } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atUser, knownUser } from "../../principals/users/find.ts";
import { collection } from "../../principals/users/model.ts";
import { notManagedHere } from "../find-human.ts";
import { links_per_hour_max, reset_link_minutes } from "../mail-links/mail-links.ts";
import { sendPasswordReset } from "./send-password-reset.ts";

export const resetPassword = operation({
  name: "users.resetPassword",
  summary: "Send a user the link to choose a new password",
  kind: "change",
  method: "POST",
  path: "/v1/users/{id}:resetPassword",
  status: 200,
  input: strict({ id }),
  output: strict({ id, resource: ref("users/{uuid}"), expire_time: time }),
  permission: "users:reset",
  scope: "tenant",
  target: atUser,
  event: (user) => ({
    type: "user.password-reset-sent",
    subject: user.resource,
    data: { expire_time: user.expire_time },
  }),
  run: async (tx, input, context) => {
    const { now } = context;
    const user = await knownUser(tx, input.id);
    if (isFault(user)) return user;
    const refused = notManagedHere(user);
    if (refused !== undefined) return refused;
    const whose = { home: tx.tenant, user: user.id, tenant: tx.tenant };
    if (!(await sendPasswordReset(tx, context, { ...whose, email: user.email, now })))
      return fault("rate_limited", `${links_per_hour_max} such mails have been sent within the hour`, {
        retryAfterSeconds: 3600,
      });
    return {
      id: user.id,
      resource: formatRef(collection, user.id),
      expire_time: new Date(now + reset_link_minutes * 60_000).toISOString(),
    };
  },
});
