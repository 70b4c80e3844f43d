/** The link of a mail opens this page, and the new password uses it up. */
import { faults, isFault } from "../../../core/faults.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import { checkResetLink, resetPassword } from "../../sign-in/reset-password.ts";
import { rememberEmail } from "../email-hint.ts";
import { html } from "../html.ts";
import { button, buttonLink, form } from "../kit.ts";
import { seeOther } from "../page.ts";
import { formProblem, type Problems, problemsOf } from "../problems.ts";
import { atDoorOf, given, hrefFrom, linkOf, type PageSpec, show, type Visitor } from "../visit.ts";
import { linkProblem } from "./link-problem.ts";
import { lengthMinOf, newPasswordField } from "./new-password.ts";

const path = "/reset-password";

export const resetPasswordPage: PageSpec = {
  path,
  policy: { public: "whoever reads the mail chooses the password" },
  outlives: true,
  get: async (visitor) => {
    if (given(visitor, "done") !== undefined) return donePage(visitor);
    const found = await checkResetLink(visitor.needs.signIn, {
      link: linkOf(visitor),
      request: visitor.request,
    });
    return isFault(found) ? linkProblem(visitor, found) : resetForm(await atDoorOf(visitor, found.tenant), found.email);
  },
  post: async (visitor) => {
    const { needs, request, words } = visitor;
    const link = linkOf(visitor);
    const found = await checkResetLink(needs.signIn, { link, request });
    if (isFault(found)) return linkProblem(visitor, found);
    const there = await atDoorOf(visitor, found.tenant);
    const password = request.form["password"];
    if (typeof password !== "string" || password === "")
      return resetForm(there, found.email, { password: words("problem.required") });
    const reset = await resetPassword(needs.signIn, { link, password, request });
    if (!isFault(reset)) return seeOther(hrefFrom(visitor, path, { done: "yes" }), [rememberEmail(reset.email)]);
    if (reset.errors === undefined && faults[reset.fault].status < 429) return linkProblem(visitor, reset);
    return resetForm(there, found.email, problemsOf(words, reset, { count: lengthMinOf(there.front?.policy) }));
  },
};

const resetForm = (visitor: Visitor, email: string, problems: Problems = {}): WebResponse => {
  const { words, token, front } = visitor;
  return show(visitor, {
    title: words("reset.title"),
    lead: words("reset.lead"),
    ...(Object.keys(problems).length === 0 ? {} : { status: 400 }),
    body: html`
${formProblem(problems)}
${form({
  action: hrefFrom(visitor, path),
  token,
  carried: { ...visitor.carried, link: linkOf(visitor) },
  body: html`
<p class="who"><span>${email}</span></p>
<input type="email" value="${email}" autocomplete="username" hidden>
${newPasswordField(words, words("reset.password"), front?.policy, problems["password"])}
${button(words("reset.submit"))}`,
})}`,
  });
};

const donePage = (visitor: Visitor): WebResponse => {
  const { words } = visitor;
  return show(visitor, {
    title: words("reset.done_title"),
    lead: words("reset.done"),
    body: html`<div class="actions">${buttonLink(hrefFrom(visitor, "/sign-in"), words("sign_in.title"), "primary")}</div>`,
  });
};
