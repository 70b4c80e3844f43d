/** Reads one service account. Its secrets are never in the answer. */
import { isFault } from "../../../core/faults.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atServiceAccount, knownServiceAccount } from "./find.ts";
import { render, serviceAccountOutput } from "./model.ts";

export const getServiceAccount = operation({
  name: "service-accounts.get",
  summary: "Read a service account",
  kind: "read",
  method: "GET",
  path: "/v1/service-accounts/{id}",
  status: 200,
  input: strict({ id }),
  output: serviceAccountOutput,
  permission: "service-accounts:read",
  scope: "tenant",
  target: atServiceAccount,
  run: async (tx, input, { model }) => {
    const account = await knownServiceAccount(tx, input.id);
    return isFault(account) ? account : render(model, account);
  },
});
