/**
 * What every account page has: a full session, the human it is of, their language, the face of the tenant that keeps them, and the way
 * to the other pages.
 */
import { type Fault, faults, isFault } from "../../../core/faults.ts";
import { isMessageKey, localeOf, wordsIn } from "../../messages/messages.ts";
import type { Engine } from "../../operations/perform.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import type { Session } from "../../sessions/model.ts";
import { type Overview, readOverview } from "../../sign-in/account/overview.ts";
import { type Asking, isRecent } from "../../sign-in/account/visit.ts";
import { html, type Html, type Part } from "../html.ts";
import { buttonLink, form, type FormOptions, link, notice } from "../kit.ts";
import { type Page, seeOther } from "../page.ts";
import type { Problems } from "../problems.ts";
import { hrefOf } from "../site.ts";
import { atDoorOf, fail, given, hrefFrom, type PageNeeds, type PageSpec, show, type Visitor } from "../visit.ts";

/** The engine makes API tokens as it does everywhere, with all its checks. */
export type AccountNeeds = PageNeeds & { readonly engine: Engine };

export type AccountVisit = Visitor & {
  readonly needs: AccountNeeds;
  readonly session: Session;
  readonly overview: Overview;
  readonly asking: Asking;
};

const pages = [
  ["/account", "account.nav.overview"],
  ["/account/profile", "account.nav.profile"],
  ["/account/password", "account.nav.password"],
  ["/account/passkeys", "account.nav.passkeys"],
  ["/account/totp", "account.nav.totp"],
  ["/account/recovery-codes", "account.nav.recovery_codes"],
  ["/account/sessions", "account.nav.sessions"],
  ["/account/applications", "account.nav.applications"],
  ["/account/tenants", "account.nav.tenants"],
  ["/account/api-tokens", "account.nav.api_tokens"],
  ["/account/security-log", "account.nav.log"],
  ["/account/export", "account.nav.export"],
  ["/account/delete", "account.nav.delete"],
] as const;

type Handler = (visit: AccountVisit) => Promise<WebResponse>;

export type AccountSpec = { readonly path: string; readonly get: Handler; readonly post?: Handler };

/** The human's own page, and nobody else's: whose it is says the session, and no parameter. */
export const accountPage = (needs: AccountNeeds, { path, get, post }: AccountSpec): PageSpec => {
  const opened =
    (handle: Handler) =>
    async (visitor: Visitor): Promise<WebResponse> => {
      const { session, request } = visitor;
      if (session === undefined) return seeOther(hrefFrom(visitor, "/sign-in", { next: path }));
      const overview = await readOverview(needs.signIn, session);
      if (isFault(overview)) return fail(visitor, overview);
      const locale = localeOf(request.headers["accept-language"], null, overview.account.locale);
      const here = await atDoorOf(visitor, session.home);
      const asking = { session, request };
      return handle({ ...here, needs, session, overview, asking, locale, words: wordsIn(locale) });
    };
  return {
    path,
    policy: { session: "a human's own account: nobody else's data is on it" },
    get: opened(get),
    ...(post === undefined ? {} : { post: opened(post) }),
  };
};

type Shown = Pick<Page, "title" | "lead" | "script" | "cookies" | "status"> & {
  readonly path: string;
  readonly body: Html;
};

export const showAccount = (visit: AccountVisit, { path, body, ...page }: Shown): WebResponse => {
  const { words, needs, overview } = visit;
  const out = html`${words("page.signed_in_as", { email: overview.account.email })} ${link(hrefOf(needs, "/sign-out"), words("page.sign_out"))}`;
  return show(visit, {
    ...page,
    layout: "wide",
    nav: {
      label: words("account.nav"),
      items: pages.map(([to, key]) => ({ path: to, label: words(key) })),
      current: path,
    },
    foot: out,
    body: html`${said(visit)}${body}`,
  });
};

/** What the page before this one did. A word of the catalogue, and nothing that an address could make up. */
const said = (visit: AccountVisit): Html | undefined => {
  const key = `account.done.${given(visit, "done") ?? ""}`;
  return visit.request.method === "GET" && isMessageKey(key) ? notice("done", visit.words(key)) : undefined;
};

/** Back to the page after something was done there. */
export const done = (
  { needs }: AccountVisit,
  path: string,
  what: string | undefined,
  { cookies = [], query = {} }: { readonly cookies?: readonly string[]; readonly query?: Record<string, string> } = {},
): WebResponse => seeOther(hrefOf(needs, path, { ...query, done: what }), cookies);

/** The page again, and what was wrong above it. */
export const wrongStatus = (failure: Fault): number => faults[failure.fault].status;

/** To prove anew who one is, and back. */
export const confirmHref = ({ needs }: AccountVisit, path: string): string =>
  hrefOf(needs, "/sign-in", { again: "1", next: path });

export const toConfirm = (visit: AccountVisit, path: string): WebResponse => seeOther(confirmHref(visit, path));

/** Forms that change how the account is entered: only where the proof is fresh; else the way to renew it. */
export const whereRecent = (visit: AccountVisit, path: string, body: () => Part): Html =>
  isRecent(visit.needs.signIn, visit.session)
    ? html`${body()}`
    : html`${notice("info", visit.words("account.confirm_first"))}
<div class="actions">${buttonLink(confirmHref(visit, path), visit.words("account.confirm"), "primary")}</div>`;

/** A form of an account page: posted where the page is. */
export const ownForm = (
  visit: AccountVisit,
  path: string,
  options: Pick<FormOptions, "carried" | "body" | "class">,
): Html => form({ action: hrefOf(visit.needs, path), token: visit.token, ...options });

/** A page without scripts does not know where its reader is. */
export const timeIn = ({ locale }: Visitor, time: Date | number): string =>
  `${new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" }).format(time)} UTC`;

export const dateIn = ({ locale }: Visitor, time: Date | number): string =>
  new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" }).format(time);

/** A field's text, trimmed; undefined where it is empty. */
export const textOf = (visit: Visitor, name: string): string | undefined => {
  const text = visit.request.form[name];
  const trimmed = typeof text === "string" ? text.trim() : "";
  return trimmed === "" || trimmed.length > 2_000 ? undefined : trimmed;
};

export type Again = { readonly problems?: Problems; readonly status?: number };
