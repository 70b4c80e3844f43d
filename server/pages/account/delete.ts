/** The end of the account. */
import { isFault } from "../../../core/faults.ts";
import { dropCookie } from "../../platform/web/cookies.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import { sessionCookie } from "../../sessions/model.ts";
import { deleteAccount } from "../../sign-in/account/delete-account.ts";
import { html } from "../html.ts";
import { button, field } from "../kit.ts";
import { formProblem, inWords } from "../problems.ts";
import { show } from "../visit.ts";
import {
  type AccountSpec,
  type AccountVisit,
  type Again,
  ownForm,
  showAccount,
  toConfirm,
  whereRecent,
  wrongStatus,
} from "./account-page.ts";

const path = "/account/delete";

export const deletePage: AccountSpec = {
  path,
  get: async (visit) => asking(visit),
  post: async (visit) => {
    const { words, needs, request } = visit;
    const { password } = request.form;
    const deleted = await deleteAccount(needs.signIn, visit.asking, typeof password === "string" ? password : "");
    if (!isFault(deleted))
      return show(visit, {
        title: words("account.deleted.title"),
        lead: words("account.deleted.lead"),
        cookies: [dropCookie(sessionCookie)],
        body: html``,
      });
    if (deleted.fault === "unauthenticated") return toConfirm(visit, path);
    const problems =
      deleted.fault === "invalid_credentials"
        ? { password: words("account.delete.wrong") }
        : { form: inWords(words, deleted, words("account.delete.last")) };
    return asking(visit, { problems, status: wrongStatus(deleted) });
  },
};

const asking = (visit: AccountVisit, { problems = {}, status }: Again = {}): WebResponse => {
  const { words, overview } = visit;
  const has = overview.account.password !== null;
  const fields = () =>
    ownForm(visit, path, {
      body: html`
${
  has &&
  field({
    name: "password",
    label: words("account.delete.password"),
    type: "password",
    autocomplete: "current-password",
    maxlength: 1_000,
    error: problems["password"],
  })
}
${button(words("account.delete.submit"), { look: "danger" })}`,
    });
  return showAccount(visit, {
    path,
    title: words("account.delete.title"),
    lead: words("account.delete.lead"),
    ...(status === undefined ? {} : { status }),
    body: html`
${formProblem(problems)}
<p class="stands">${words("account.delete.what")}</p>
${has ? fields() : whereRecent(visit, path, fields)}`,
  });
};
