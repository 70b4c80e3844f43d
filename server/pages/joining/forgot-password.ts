/** A forgotten password: whoever asks is told the same, whether or not there is an account. */
import { isFault } from "../../../core/faults.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import { requestPasswordReset } from "../../sign-in/reset-password.ts";
import { rememberedEmail, rememberEmail } from "../email-hint.ts";
import { html } from "../html.ts";
import { alternatives, button, field, form, link } from "../kit.ts";
import { seeOther } from "../page.ts";
import { formProblem, inWords, type Problems, readEmail } from "../problems.ts";
import { given, hrefFrom, type PageSpec, show, type Visitor } from "../visit.ts";

const path = "/forgot-password";

export const forgotPasswordPage: PageSpec = {
  path,
  policy: { public: "who has forgotten a password has nothing else" },
  get: async (visitor) => (given(visitor, "sent") === undefined ? forgotForm(visitor) : sentPage(visitor)),
  post: async (visitor) => {
    const { needs, request, context, words } = visitor;
    const email = readEmail(given(visitor, "email"));
    if (email === undefined) return forgotForm(visitor, { email: words("problem.email") });
    const asked = await requestPasswordReset(needs.signIn, {
      email,
      context,
      request,
      continueWith: visitor.carried.request,
    });
    if (isFault(asked)) return forgotForm(visitor, { form: inWords(words, asked) });
    return seeOther(hrefFrom(visitor, path, { sent: "yes" }), [rememberEmail(email)]);
  },
};

const forgotForm = (visitor: Visitor, problems: Problems = {}): WebResponse => {
  const { words, token, carried, request } = visitor;
  return show(visitor, {
    title: words("forgot.title"),
    lead: words("forgot.lead"),
    ...(Object.keys(problems).length === 0 ? {} : { status: 400 }),
    body: html`
${formProblem(problems)}
${form({
  action: hrefFrom(visitor, path),
  token,
  carried,
  body: html`
${field({
  name: "email",
  label: words("sign_in.email"),
  type: "email",
  autocomplete: "username",
  value: given(visitor, "email") ?? rememberedEmail(request),
  error: problems["email"],
  autofocus: true,
})}
${button(words("forgot.submit"))}`,
})}
${alternatives(link(hrefFrom(visitor, "/sign-in"), words("page.back")))}`,
  });
};

const sentPage = (visitor: Visitor): WebResponse => {
  const { words, request } = visitor;
  return show(visitor, {
    title: words("forgot.sent_title"),
    lead: words("forgot.sent", { email: rememberedEmail(request) ?? "…" }),
    body: html`<p class="hint">${words("register.sent_hint")}</p>
${alternatives(link(hrefFrom(visitor, "/sign-in"), words("link.sign_in")))}`,
  });
};
