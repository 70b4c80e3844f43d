/** The first page: who are you? The answer to every address is the same page, so it tells nobody which ones have accounts. */
import { passkeyRequestOptions } from "../../credentials/passkeys/passkeys.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import { rememberedEmail, rememberEmail } from "../email-hint.ts";
import { html, type Html } from "../html.ts";
import { alternatives, button, field, form, link, passkeyForm } from "../kit.ts";
import { seeOther } from "../page.ts";
import { formProblem, type Problems, readEmail } from "../problems.ts";
import { whoIs } from "../who-is.ts";
import { destinationOf, given, hrefFrom, type PageSpec, show, type Visitor } from "../visit.ts";

const path = "/sign-in";

export const signInPage: PageSpec = {
  path,
  policy: { public: "people come here to sign in" },
  get: async (visitor) => {
    // With a request under way the authorization endpoint has decided that the session there is does not do.
    const isIn =
      visitor.session?.state === "full" && visitor.pending === undefined && given(visitor, "again") === undefined;
    return isIn ? seeOther(destinationOf(visitor)) : emailPage(visitor);
  },
  post: async (visitor) => {
    const email = readEmail(given(visitor, "email"));
    return email === undefined
      ? emailPage(visitor, { email: visitor.words("problem.email") })
      : seeOther(hrefFrom(visitor, "/sign-in/password"), [rememberEmail(email)]);
  },
};

export const emailPage = async (visitor: Visitor, problems: Problems = {}): Promise<WebResponse> => {
  const { words, token, carried, front, pending, request, needs, session } = visitor;
  const now = needs.platform.clock.now();
  const mayRegister = front !== undefined && front.policy.self_registration !== "off";
  const [options, again] = await Promise.all([
    passkeyRequestOptions(needs, { now }),
    session?.state === "full" ? whoIs(needs, session) : undefined,
  ]);
  const hinted = readEmail(pending?.loginHint ?? undefined) ?? again?.email ?? rememberedEmail(request);
  return show(visitor, {
    title: words("sign_in.title"),
    lead: leadOf(visitor),
    script: "passkeys",
    ...(problems["email"] === undefined && problems["form"] === undefined ? {} : { status: 400 }),
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
  autocomplete: "username webauthn",
  value: given(visitor, "email") ?? hinted,
  error: problems["email"],
  autofocus: true,
})}
${button(words("page.continue"))}`,
})}
${passkeyForm({
  kind: "get",
  action: hrefFrom(visitor, "/sign-in/passkey"),
  token,
  carried,
  options,
  autofill: true,
  label: words("sign_in.passkey"),
  failed: words("sign_in.passkey_failed"),
})}
${
  mayRegister &&
  alternatives(
    html`${words("sign_in.no_account")} ${link(hrefFrom(visitor, "/register", { tenant: front.tenant }), words("sign_in.register"))}`,
  )
}`,
  });
};

/** To which application one is signing in, where one is. */
export const leadOf = ({ words, pending, session }: Visitor): Html => {
  const again = session?.state === "full";
  if (pending === undefined) return html`${words(again ? "sign_in.again" : "sign_in.lead")}`;
  const lead = again ? "sign_in.again_application" : "sign_in.lead_application";
  return withName(words(lead, { application: "\u0000" }), pending.client.name);
};

/** A sentence with one name in it, which is set apart. */
export const withName = (sentence: string, name: string): Html => {
  const [before = "", after = ""] = sentence.split("\u0000");
  return html`${before}<strong>${name}</strong>${after}`;
};
