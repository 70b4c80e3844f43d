/** A stranger makes an account, where the tenant lets strangers in. What is answered is the same for addresses that have one. */
import { type Fault, isFault } from "../../../core/faults.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import { selfRegister } from "../../sign-in/self-register.ts";
import { rememberedEmail, rememberEmail } from "../email-hint.ts";
import { html } from "../html.ts";
import { alternatives, button, field, form, link } from "../kit.ts";
import { seeOther } from "../page.ts";
import { formProblem, type Problems, problemsOf, readDisplayName, readEmail } from "../problems.ts";
import { given, hrefFrom, type PageSpec, show, type Visitor } from "../visit.ts";
import { lengthMinOf, newPasswordField } from "./new-password.ts";

const path = "/register";

export const registerPage: PageSpec = {
  path,
  policy: { public: "strangers make an account, where the tenant's policy lets them" },
  get: async (visitor) => (given(visitor, "sent") === undefined ? registerForm(visitor) : sentPage(visitor)),
  post: async (visitor) => {
    const { request, needs, words, locale, front } = visitor;
    if (front === undefined || front.policy.self_registration === "off") return registerForm(visitor);
    const email = readEmail(given(visitor, "email"));
    const displayName = readDisplayName(given(visitor, "display_name"));
    const password = request.form["password"];
    if (email === undefined || displayName === undefined || typeof password !== "string" || password === "")
      return registerForm(visitor, {
        ...(email === undefined ? { email: words("problem.email") } : {}),
        ...(displayName === undefined ? { display_name: words("problem.display_name") } : {}),
        ...(typeof password !== "string" || password === "" ? { password: words("problem.required") } : {}),
      });
    const asked = {
      tenant: front.tenant,
      email,
      displayName,
      password,
      locale,
      request,
      continueWith: visitor.carried.request,
    };
    const registered = await selfRegister(needs.signIn, asked);
    if (isFault(registered))
      return registerForm(
        visitor,
        problemsOf(words, registered, { count: lengthMinOf(front.policy) }, notAdmitted(visitor, registered)),
      );
    return seeOther(hrefFrom(visitor, path, { sent: "yes" }), [rememberEmail(email)]);
  },
};

/** An address of another domain than the tenant's own. */
const notAdmitted = ({ words }: Visitor, { fault: code }: Fault): string | undefined =>
  code === "not_admissible" ? words("register.not_admitted") : undefined;

const registerForm = (visitor: Visitor, problems: Problems = {}): WebResponse => {
  const { words, token, carried, front, brand } = visitor;
  if (front === undefined || front.policy.self_registration === "off")
    return show(visitor, {
      status: 403,
      title: words("register.closed_title"),
      lead: words("register.closed", { tenant: brand.name }),
      body: alternatives(link(hrefFrom(visitor, "/sign-in"), words("link.sign_in"))),
    });
  return show(visitor, {
    title: words("register.title"),
    lead: words("register.lead", { tenant: brand.name }),
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
  value: given(visitor, "email"),
  error: problems["email"],
  autofocus: true,
})}
${field({
  name: "display_name",
  label: words("register.display_name"),
  autocomplete: "name",
  maxlength: 200,
  value: given(visitor, "display_name"),
  error: problems["display_name"],
})}
${newPasswordField(words, words("register.password"), front.policy, problems["password"])}
${button(words("register.submit"))}`,
})}
${alternatives(html`${words("register.have_account")} ${link(hrefFrom(visitor, "/sign-in"), words("sign_in.title"))}`)}`,
  });
};

const sentPage = (visitor: Visitor): WebResponse => {
  const { words, request } = visitor;
  return show(visitor, {
    title: words("register.sent_title"),
    lead: words("register.sent", { email: rememberedEmail(request) ?? "…" }),
    body: html`<p class="hint">${words("register.sent_hint")}</p>
${alternatives(link(hrefFrom(visitor, "/sign-in"), words("link.sign_in")))}`,
  });
};
