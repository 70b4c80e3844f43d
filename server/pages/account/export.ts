/** Everything kept about one, as a file. */
import { isFault } from "../../../core/faults.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import { exportAccount } from "../../sign-in/account/export-account.ts";
import { html } from "../html.ts";
import { button } from "../kit.ts";
import { fail } from "../visit.ts";
import { type AccountSpec, ownForm, showAccount, toConfirm, whereRecent } from "./account-page.ts";

const path = "/account/export";

export const exportPage: AccountSpec = {
  path,
  get: async (visit) => {
    const { words } = visit;
    return showAccount(visit, {
      path,
      title: words("account.export.title"),
      lead: words("account.export.lead"),
      body: html`
<p class="stands">${words("account.export.what")}</p>
${whereRecent(visit, path, () => ownForm(visit, path, { body: html`<div class="actions">${button(words("account.export.submit"))}</div>` }))}`,
    });
  },
  post: async (visit) => {
    const exported = await exportAccount(visit.needs.signIn, visit.asking);
    if (!isFault(exported)) return file(exported);
    return exported.fault === "unauthenticated" ? toConfirm(visit, path) : fail(visit, exported);
  },
};

/** Saved, never shown: what is in it was typed by somebody. */
const file = (exported: object): WebResponse => ({
  status: 200,
  headers: {
    "content-type": "application/json; charset=utf-8",
    "content-disposition": 'attachment; filename="account.json"',
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "referrer-policy": "no-referrer",
  },
  body: `${JSON.stringify(exported, null, 2)}\n`,
});
