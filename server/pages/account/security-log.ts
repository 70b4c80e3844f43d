/** What has happened to the account, newest first. */
import { isFault } from "../../../core/faults.ts";
import { isMessageKey } from "../../messages/messages.ts";
import { log_page_entries, ownLog } from "../../sign-in/account/own-log.ts";
import type { LogEntry } from "../../sign-in/account/store.ts";
import { html, type Html } from "../html.ts";
import { buttonLink, link } from "../kit.ts";
import { hrefOf } from "../site.ts";
import { given } from "../visit.ts";
import { type AccountSpec, type AccountVisit, showAccount, timeIn } from "./account-page.ts";

const path = "/account/security-log";

export const securityLogPage: AccountSpec = {
  path,
  get: async (visit) => {
    const { words, needs, session } = visit;
    const asked = given(visit, "before");
    const before = asked !== undefined && /^\d{1,15}$/.test(asked) ? Number(asked) : undefined;
    const found = await ownLog(needs.signIn, session, before);
    const entries = isFault(found) ? [] : found;
    const last = entries.at(-1);
    const more = entries.length === log_page_entries && last !== undefined;
    return showAccount(visit, {
      path,
      title: words("account.log.title"),
      lead: words("account.log.lead"),
      body: html`
${
  entries.length === 0
    ? html`<p class="hint">${words("account.log.none")}</p>`
    : html`<table class="log"><thead><tr><th scope="col">${words("account.log.what")}</th><th scope="col">${words("account.log.when")}</th><th scope="col">${words("account.log.where")}</th></tr></thead>
<tbody>${entries.map((one) => row(visit, one))}</tbody></table>`
}
<div class="actions">${more && buttonLink(hrefOf(needs, path, { before: String(last.time.getTime()) }), words("account.log.older"))}${before !== undefined && link(hrefOf(needs, path), words("account.log.newest"))}</div>`,
    });
  },
};

const row = (visit: AccountVisit, { action, outcome, time, detail, by_other }: LogEntry): Html => {
  const { words } = visit;
  const key = `action.${action}`;
  const address = detail?.["address"];
  const device = detail?.["device"];
  const where = [device, address].filter((one) => typeof one === "string" && one !== "").join(", ");
  return html`<tr>
<td>${isMessageKey(key) ? words(key) : action}${outcome !== "done" && html` <span class="badge">${words(`account.log.${outcome}`)}</span>`}${by_other && html` <span class="badge">${words("account.log.by_other")}</span>`}</td>
<td><time datetime="${time.toISOString()}">${timeIn(visit, time)}</time></td>
<td>${where}</td>
</tr>`;
};
