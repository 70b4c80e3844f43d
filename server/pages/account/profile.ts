/** Name and language; and the e-mail address, which changes by a link sent to the new one. */
import { isFault } from "../../../core/faults.ts";
import { localeNames, locales, readLocale } from "../../messages/messages.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import { askForEmailChange } from "../../sign-in/account/change-email.ts";
import { changeProfile } from "../../sign-in/account/change-profile.ts";
import { html } from "../html.ts";
import { button, field, section, select } from "../kit.ts";
import { formProblem, inWords, readDisplayName, readEmail } from "../problems.ts";
import {
  type AccountSpec,
  type AccountVisit,
  type Again,
  done,
  ownForm,
  showAccount,
  textOf,
  toConfirm,
  whereRecent,
  wrongStatus,
} from "./account-page.ts";

const path = "/account/profile";

export const profilePage: AccountSpec = {
  path,
  get: async (visit) => profile(visit),
  post: async (visit) => (textOf(visit, "do") === "email" ? changeEmail(visit) : save(visit)),
};

const save = async (visit: AccountVisit): Promise<WebResponse> => {
  const { words, needs, asking } = visit;
  const displayName = readDisplayName(textOf(visit, "display_name"));
  const locale = readLocale(textOf(visit, "locale"));
  if (displayName === undefined)
    return profile(visit, { problems: { display_name: words("problem.display_name") }, status: 400 });
  const saved = await changeProfile(needs.signIn, asking, { displayName, locale: locale ?? visit.locale });
  if (isFault(saved)) return profile(visit, { problems: { form: inWords(words, saved) }, status: wrongStatus(saved) });
  return done(visit, path, "profile");
};

const changeEmail = async (visit: AccountVisit): Promise<WebResponse> => {
  const { words, needs, asking } = visit;
  const email = readEmail(textOf(visit, "email"));
  if (email === undefined) return profile(visit, { problems: { email: words("problem.email") }, status: 400 });
  const sent = await askForEmailChange(needs.signIn, asking, email);
  if (!isFault(sent)) return done(visit, path, "email_sent");
  if (sent.fault === "unauthenticated") return toConfirm(visit, path);
  return profile(visit, { problems: { email: inWords(words, sent) }, status: wrongStatus(sent) });
};

const profile = (visit: AccountVisit, { problems = {}, status }: Again = {}): WebResponse => {
  const { words, overview } = visit;
  const { account } = overview;
  return showAccount(visit, {
    path,
    title: words("account.profile.title"),
    lead: words("account.profile.lead"),
    ...(status === undefined ? {} : { status }),
    body: html`
${formProblem(problems)}
${ownForm(visit, path, {
  body: html`
${field({
  name: "display_name",
  label: words("account.name"),
  autocomplete: "name",
  value: textOf(visit, "display_name") ?? account.displayName,
  maxlength: 200,
  error: problems["display_name"],
})}
${select({
  name: "locale",
  label: words("account.language"),
  value: readLocale(account.locale) ?? visit.locale,
  options: locales.map((one) => ({ value: one, label: localeNames[one] })),
})}
${button(words("account.save"))}`,
})}
${section(
  "address",
  words("account.profile.email_title"),
  html`
<p>${words("account.profile.email_now", { email: account.email })}</p>
${whereRecent(visit, path, () =>
  ownForm(visit, path, {
    carried: { do: "email" },
    body: html`
${field({
  name: "email",
  label: words("account.profile.email_new"),
  type: "email",
  autocomplete: "email",
  hint: words("account.profile.email_hint"),
  value: textOf(visit, "email"),
  error: problems["email"],
})}
${button(words("account.profile.email_submit"), { look: "quiet" })}`,
  }),
)}`,
)}`,
  });
};
