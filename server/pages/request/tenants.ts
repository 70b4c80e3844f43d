/** Somebody who belongs to several tenants says which one the application may see. */
import { faults, isFault } from "../../../core/faults.ts";
import { isUuid, type TenantId } from "../../../core/ids.ts";
import type { HumanTenant } from "../../oauth/authorize/model.ts";
import { chooseTenant, continueUrl, tenantsToChoose } from "../../oauth/authorize/pending.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import type { Words } from "../../messages/messages.ts";
import { html, type Html } from "../html.ts";
import { alternatives, button, field, form, link, notice, searchForm } from "../kit.ts";
import { seeOther } from "../page.ts";
import { inWords } from "../problems.ts";
import { destinationOf, given, hrefFrom, type PageSpec, show, type Visitor } from "../visit.ts";

const path = "/tenants";
/** More than these are found by searching. */
const shown_max = 25;
/** Fewer than these need no search. */
const search_from = 8;
const searchLengthMax = 100;

export const tenantsPage: PageSpec = {
  path,
  policy: { session: "the tenants the human belongs to" },
  get: async (visitor) => pickerPage(visitor),
  post: async (visitor) => {
    const { needs, session, pending, words } = visitor;
    const tenant = given(visitor, "chosen") ?? "";
    if (session === undefined || pending === undefined) return seeOther(destinationOf(visitor));
    if (!isUuid(tenant)) return pickerPage(visitor);
    const chosen = await chooseTenant(needs, session, pending, tenant as TenantId);
    if (!isFault(chosen)) return seeOther(continueUrl(needs, pending));
    return pickerPage(visitor, inWords(words, chosen), faults[chosen.fault].status);
  },
};

const pickerPage = async (visitor: Visitor, problem?: string, status = 400): Promise<WebResponse> => {
  const { needs, session, pending, words, token, carried, locale } = visitor;
  if (session === undefined || pending === undefined) return seeOther(destinationOf(visitor));
  const search = given(visitor, "search")?.slice(0, searchLengthMax);
  const found = await tenantsToChoose(needs, session, pending, search);
  const application = pending.client.name;
  if (found.length === 0 && search === undefined)
    return show(visitor, {
      status: 403,
      title: words("tenants.nothing_title"),
      lead: words("tenants.nothing", { application }),
      body: alternatives(html`${words("page.not_you")} ${link(hrefFrom(visitor, "/sign-in"), words("sign_in.title"))}`),
    });
  const mayNeedSearch = search !== undefined || found.length >= search_from;
  return show(visitor, {
    title: words("tenants.title"),
    lead: words("tenants.lead", { application }),
    ...(problem === undefined ? {} : { status }),
    body: html`
${problem !== undefined && notice("error", problem)}
${
  mayNeedSearch &&
  searchForm({
    action: hrefFrom(visitor, path),
    carried,
    body: html`${field({ name: "search", label: words("tenants.search"), type: "search", value: search, required: false })}
${button(words("tenants.search_submit"), { look: "quiet" })}`,
  })
}
${
  found.length === 0
    ? notice("info", words("tenants.none"))
    : form({
        action: hrefFrom(visitor, path),
        token,
        carried: { ...carried, search },
        body: html`<ul class="picks">${found.slice(0, shown_max).map((one) => pick(words, locale, one))}</ul>`,
      })
}
${found.length > shown_max && html`<p class="hint">${words("tenants.more")}</p>`}
${alternatives(html`${words("page.not_you")} ${link(hrefFrom(visitor, "/sign-in"), words("sign_in.change_account"))}`)}`,
  });
};

const pick = (words: Words, locale: string, { tenant, displayName, lastUsed }: HumanTenant): Html =>
  html`<li><button class="quiet" name="chosen" value="${tenant}"><span>${displayName}</span> <small>${
    lastUsed === null ? words("tenants.never_used") : words("tenants.last_used", { time: dateIn(locale, lastUsed) })
  }</small></button></li>`;

export const dateIn = (locale: string, time: number): string =>
  new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(time));
