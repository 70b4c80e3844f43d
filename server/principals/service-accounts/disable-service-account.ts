/**
 * Turns a service account off, and on again. Off, none of its secrets and tokens is accepted anywhere. The last who can assign roles in the
 * tenant is not turned off by the tenant's own.
 */
import { formatRef } from "../../../core/ids.ts";
import { fault, isFault } from "../../../core/faults.ts";
import { keepingAssignerFrom } from "../../authority/keep-assigner.ts";
import { expectRevision, overtaken } from "../../operations/etag.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { principalVersion } from "../../platform/cache/fresh-cache.ts";
import { atServiceAccount, knownServiceAccount } from "./find.ts";
import { render, serviceAccountOutput } from "./model.ts";
import { updateServiceAccount } from "./store.ts";

const transition = (verb: "disable" | "enable", to: "disabled" | "active", summary: string) =>
  operation({
    name: `service-accounts.${verb}`,
    summary,
    kind: "change",
    method: "POST",
    path: `/v1/service-accounts/{id}:${verb}`,
    status: 200,
    input: strict({ id }),
    output: serviceAccountOutput,
    permission: "service-accounts:disable",
    scope: "tenant",
    target: atServiceAccount,
    impact: ({ id: account }) => [{ beneficiary: formatRef("service-accounts", account) }],
    event: (account) => ({
      type: `service-account.${verb}d`,
      subject: account.resource,
      data: { client_id: account.client_id },
    }),
    run: (tx, input, context) =>
      keepingAssignerFrom(tx, context, async () => {
        const { model, now, ifMatch } = context;
        const account = await knownServiceAccount(tx, input.id);
        if (isFault(account)) return account;
        if (account.state === to) return fault("illegal_transition", `the service account is ${to} already`);
        const expected = expectRevision(ifMatch, account.revision, "optional");
        if (isFault(expected)) return expected;
        if (!(await updateServiceAccount(tx, account.id, expected.revision, { state: to }, new Date(now))))
          return overtaken();
        tx.touch(principalVersion(tx.tenant, account.id));
        const after = await knownServiceAccount(tx, input.id);
        return isFault(after) ? after : render(model, after);
      }),
  });

export const disableServiceAccount = transition(
  "disable",
  "disabled",
  "Disable a service account and every token it holds",
);
export const enableServiceAccount = transition("enable", "active", "Enable a disabled service account");
