/**
 * The link of a mail proves an address, and the password who it was that registered. Opening the link proves nothing yet: mail scanners
 * open links, and fill in no forms.
 */
import { faults, isFault } from "../../../core/faults.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import { checkVerifyLink, verifyEmail } from "../../sign-in/verify-email.ts";
import { html } from "../html.ts";
import { alternatives, button, field, form, link } from "../kit.ts";
import { inWords } from "../problems.ts";
import { atDoorOf, hrefFrom, linkOf, onwards, type PageSpec, show, type Visitor } from "../visit.ts";
import { linkProblem } from "./link-problem.ts";

const path = "/verify-email";

export const verifyEmailPage: PageSpec = {
  path,
  policy: { public: "whoever reads the mail and knows the password proves the address" },
  outlives: true,
  get: async (visitor) => verifyForm(visitor),
  post: async (visitor) => {
    const { needs, request, words, session } = visitor;
    const password = request.form["password"];
    if (typeof password !== "string" || password === "") return verifyForm(visitor, words("problem.required"));
    const signedIn = await verifyEmail(needs.signIn, { link: linkOf(visitor), password, request, current: session });
    if (!isFault(signedIn)) return onwards(visitor, signedIn);
    if (signedIn.fault === "link_expired") return linkProblem(visitor, signedIn);
    return verifyForm(visitor, inWords(words, signedIn, words("verify.wrong")), faults[signedIn.fault].status);
  },
};

const verifyForm = async (arrived: Visitor, problem?: string, status = 400): Promise<WebResponse> => {
  const { needs, request } = arrived;
  const found = await checkVerifyLink(needs.signIn, { link: linkOf(arrived), request });
  if (isFault(found)) return linkProblem(arrived, found);
  const visitor = await atDoorOf(arrived, found.tenant);
  const { words, token, carried } = visitor;
  return show(visitor, {
    title: words("verify.title"),
    lead: words("verify.lead"),
    ...(problem === undefined ? {} : { status }),
    body: html`
<p class="who"><span>${found.email}</span></p>
${form({
  action: hrefFrom(visitor, path),
  token,
  carried: { ...carried, link: linkOf(visitor) },
  body: html`
<input type="email" value="${found.email}" autocomplete="username" hidden>
${field({
  name: "password",
  label: words("sign_in.password"),
  type: "password",
  autocomplete: "current-password",
  maxlength: 1000,
  error: problem,
})}
${button(words("verify.submit"))}`,
})}
${alternatives(html`${words("verify.forgot")} ${link(hrefFrom(visitor, "/register", { tenant: found.tenant }), words("verify.again"))}`)}`,
  });
};
