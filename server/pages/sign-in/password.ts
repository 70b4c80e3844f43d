/** The second page: the password. What was wrong, the address or the password, is never said. */
import { faults, isFault } from "../../../core/faults.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import { signInWithPassword } from "../../sign-in/sign-in-with-password.ts";
import { forgetEmail, rememberedEmail } from "../email-hint.ts";
import { html } from "../html.ts";
import { alternatives, button, field, form, link } from "../kit.ts";
import { seeOther } from "../page.ts";
import { inWords, readEmail } from "../problems.ts";
import { given, hrefFrom, onwards, type PageSpec, show, type Visitor } from "../visit.ts";
import { leadOf } from "./email.ts";

const path = "/sign-in/password";

export const passwordPage: PageSpec = {
  path,
  policy: { public: "people sign in here" },
  get: async (visitor) => {
    const email = emailOf(visitor);
    return email === undefined ? seeOther(hrefFrom(visitor, "/sign-in")) : passwordForm(visitor, email);
  },
  post: async (visitor) => {
    const { request, session, context, needs, words } = visitor;
    const email = emailOf(visitor);
    if (email === undefined) return seeOther(hrefFrom(visitor, "/sign-in"));
    const password = request.form["password"];
    if (typeof password !== "string" || password === "") return passwordForm(visitor, email, words("problem.required"));
    const signedIn = await signInWithPassword(needs.signIn, { email, password, context, request, current: session });
    if (!isFault(signedIn)) return onwards(visitor, signedIn, [forgetEmail]);
    return passwordForm(
      visitor,
      email,
      inWords(words, signedIn, words("sign_in.wrong")),
      faults[signedIn.fault].status,
    );
  },
};

const emailOf = (visitor: Visitor): string | undefined =>
  readEmail(given(visitor, "email")) ?? rememberedEmail(visitor.request);

const passwordForm = (visitor: Visitor, email: string, problem?: string, status?: number): WebResponse => {
  const { words, token, carried } = visitor;
  return show(visitor, {
    title: words("sign_in.password_title"),
    lead: leadOf(visitor),
    ...(problem === undefined ? {} : { status: status ?? 400 }),
    body: html`
<p class="who"><span>${email}</span> ${link(hrefFrom(visitor, "/sign-in"), words("sign_in.change_email"))}</p>
${form({
  action: hrefFrom(visitor, path),
  token,
  carried,
  body: html`
<input type="email" name="email" value="${email}" autocomplete="username" hidden>
${field({
  name: "password",
  label: words("sign_in.password"),
  type: "password",
  autocomplete: "current-password",
  maxlength: 1000,
  autofocus: true,
  error: problem,
})}
${button(words("sign_in.title"))}`,
})}
${alternatives(link(hrefFrom(visitor, "/forgot-password"), words("sign_in.forgot")))}`,
  });
};
