/** A new password for the one there is. */
import { isFault } from "../../../core/faults.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import { changePassword } from "../../sign-in/account/change-password.ts";
import { html } from "../html.ts";
import { lengthMinOf, newPasswordField } from "../joining/new-password.ts";
import { button, field } from "../kit.ts";
import { formProblem, inWords, problemsOf } from "../problems.ts";
import {
  type AccountSpec,
  type AccountVisit,
  type Again,
  done,
  ownForm,
  showAccount,
  toConfirm,
  whereRecent,
  wrongStatus,
} from "./account-page.ts";

const path = "/account/password";

export const passwordPage: AccountSpec = {
  path,
  get: async (visit) => password(visit),
  post: async (visit) => {
    const { words, needs, asking, request, front } = visit;
    const { current, password: next } = request.form;
    const changed = await changePassword(needs.signIn, asking, {
      current: typeof current === "string" ? current : "",
      next: typeof next === "string" ? next : "",
    });
    if (!isFault(changed)) return done(visit, path, "password", { cookies: [changed.cookie] });
    if (changed.fault === "unauthenticated") return toConfirm(visit, path);
    const problems =
      changed.fault === "invalid_credentials"
        ? { current: words("account.password.wrong") }
        : changed.errors === undefined
          ? { form: inWords(words, changed) }
          : problemsOf(words, changed, { count: lengthMinOf(front?.policy) });
    return password(visit, { problems, status: wrongStatus(changed) });
  },
};

const password = (visit: AccountVisit, { problems = {}, status }: Again = {}): WebResponse => {
  const { words, front, overview } = visit;
  const { account } = overview;
  const has = account.password !== null;
  const fields = () =>
    ownForm(visit, path, {
      body: html`
<input type="email" name="username" value="${account.email}" autocomplete="username" hidden>
${
  has &&
  field({
    name: "current",
    label: words("account.password.current"),
    type: "password",
    autocomplete: "current-password",
    maxlength: 1_000,
    error: problems["current"],
  })
}
${newPasswordField(words, words("account.password.next"), front?.policy, problems["password"])}
${button(words("account.password.submit"))}`,
    });
  return showAccount(visit, {
    path,
    title: words("account.password.title"),
    lead: words("account.password.lead"),
    ...(status === undefined ? {} : { status }),
    body: html`
${formProblem(problems)}
${has ? fields() : html`<p class="hint">${words("account.password.none")}</p>${whereRecent(visit, path, fields)}`}`,
  });
};
