/** The one-time setup link makes the first human. Its secret stands behind the `#`, so no log and no proxy has ever seen it. */
import { faults, isFault } from "../../../core/faults.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import { setUpFirstHuman } from "../../sign-in/set-up-first-human.ts";
import { html } from "../html.ts";
import { button, field, form } from "../kit.ts";
import { formProblem, inWords, type Problems, problemsOf, readDisplayName, readEmail } from "../problems.ts";
import { given, onwards, type PageSpec, show, hrefFrom, type Visitor } from "../visit.ts";
import { lengthMinOf, newPasswordField } from "./new-password.ts";

const path = "/setup";

export const setupPage: PageSpec = {
  path,
  policy: { public: "there is nobody yet who could sign in; the link's secret proves who may" },
  get: async (visitor) => setupForm(visitor),
  post: async (visitor) => {
    const { request, needs, words, locale, front } = visitor;
    const setup = secretIn(given(visitor, "setup") ?? "");
    const email = readEmail(given(visitor, "email"));
    const displayName = readDisplayName(given(visitor, "display_name"));
    const password = request.form["password"];
    if (email === undefined || displayName === undefined || typeof password !== "string" || password === "")
      return setupForm(visitor, {
        ...(email === undefined ? { email: words("problem.email") } : {}),
        ...(displayName === undefined ? { display_name: words("problem.display_name") } : {}),
        ...(typeof password !== "string" || password === "" ? { password: words("problem.required") } : {}),
      });
    const asked = { setup, email, displayName, password, locale, request };
    const signedIn = await setUpFirstHuman(needs.signIn, asked);
    if (!isFault(signedIn)) return onwards(visitor, signedIn);
    const { status } = faults[signedIn.fault];
    return signedIn.errors === undefined
      ? setupForm(visitor, { setup: inWords(words, signedIn, words("setup.expired")) }, status)
      : setupForm(visitor, problemsOf(words, signedIn, { count: lengthMinOf(front?.policy) }), status);
  },
};

/** People paste the whole link as well. */
const secretIn = (text: string): string => text.trim().split("#").at(-1) ?? "";

const setupForm = (visitor: Visitor, problems: Problems = {}, status = 400): WebResponse => {
  const { words, token, front } = visitor;
  return show(visitor, {
    title: words("setup.title"),
    lead: words("setup.lead"),
    script: "fragment",
    ...(Object.keys(problems).length === 0 ? {} : { status }),
    body: html`
${formProblem(problems)}
${form({
  action: hrefFrom(visitor, path),
  token,
  body: html`
<div data-fragment>${field({
    name: "setup",
    label: words("setup.key"),
    hint: words("setup.key_hint"),
    value: given(visitor, "setup"),
    error: problems["setup"],
  })}</div>
${field({
  name: "email",
  label: words("sign_in.email"),
  type: "email",
  autocomplete: "username",
  value: given(visitor, "email"),
  error: problems["email"],
})}
${field({
  name: "display_name",
  label: words("register.display_name"),
  autocomplete: "name",
  maxlength: 200,
  value: given(visitor, "display_name"),
  error: problems["display_name"],
})}
${newPasswordField(words, words("register.password"), front?.policy, problems["password"])}
${button(words("setup.submit"))}`,
})}`,
  });
};
