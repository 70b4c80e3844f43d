/** The account at a glance: who, how safe, and where to go from here. */
import type { WebResponse } from "../../platform/web/request.ts";
import { localeNames, readLocale } from "../../messages/messages.ts";
import { html, type Html } from "../html.ts";
import { buttonLink, facts, link, notice, section } from "../kit.ts";
import { hrefOf } from "../site.ts";
import { type AccountSpec, type AccountVisit, showAccount } from "./account-page.ts";

const path = "/account";
/** With so few it is time for new ones. */
const codes_low = 3;

export const overviewPage: AccountSpec = { path, get: async (visit) => overview(visit) };

const overview = (visit: AccountVisit): WebResponse => {
  const { words, overview: seen, front } = visit;
  const { account } = seen;
  const locale = readLocale(account.locale) ?? visit.locale;
  return showAccount(visit, {
    path,
    title: words("account.title"),
    lead: words("account.lead"),
    body: html`
${section(
  "you",
  words("account.overview.you"),
  facts([
    [words("account.name"), account.displayName],
    [words("account.email"), account.email],
    [words("account.language"), localeNames[locale]],
    [words("account.kept_at"), front?.brand?.displayName ?? front?.displayName ?? ""],
  ]),
)}
${section("safety", words("account.overview.safety"), safety(visit))}`,
  });
};

const safety = (visit: AccountVisit): Html => {
  const { words, needs, overview: seen } = visit;
  const { account, factors } = seen;
  const to = (page: string) => hrefOf(needs, `/account/${page}`);
  const second = [
    factors.passkeys > 0 && link(to("passkeys"), words("account.overview.passkeys", { count: factors.passkeys })),
    factors.totp > 0 && link(to("totp"), words("account.overview.apps", { count: factors.totp })),
    factors.passkeys + factors.totp > 0 &&
      link(to("recovery-codes"), words("account.overview.codes", { count: factors.recoveryCodes })),
  ].filter((one) => one !== false);
  const none = second.length === 0;
  const low = !none && factors.recoveryCodes < codes_low;
  return html`
${facts([
  [
    words("account.overview.password"),
    link(
      to("password"),
      words(account.password === null ? "account.overview.password_none" : "account.overview.password_set"),
    ),
  ],
  [
    words("account.overview.second"),
    none ? words("account.overview.second_none") : second.map((one, at) => html`${at > 0 && html`<br>`}${one}`),
  ],
])}
${low && html`<div class="actions"></div>${notice("warning", words("account.overview.codes_low"))}`}
${none && html`<div class="actions">${buttonLink(to("passkeys"), words("account.overview.add_second"), "primary")}</div>`}`;
};
