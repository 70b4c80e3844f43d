/** Recovery codes: how many are left, and new ones, shown once. */
import { isFault } from "../../../core/faults.ts";
import { renewRecoveryCodes } from "../../sign-in/account/change-factors.ts";
import { html } from "../html.ts";
import { button, buttonLink } from "../kit.ts";
import { inWords } from "../problems.ts";
import { codeList } from "../sign-in/enrol.ts";
import { formProblem } from "../problems.ts";
import { hrefOf } from "../site.ts";
import {
  type AccountSpec,
  type AccountVisit,
  type Again,
  ownForm,
  showAccount,
  toConfirm,
  whereRecent,
  wrongStatus,
} from "./account-page.ts";

const path = "/account/recovery-codes";

export const recoveryCodesPage: AccountSpec = {
  path,
  get: async (visit) => codes(visit),
  post: async (visit) => {
    const { words, needs, asking } = visit;
    const made = await renewRecoveryCodes(needs.signIn, asking);
    if (isFault(made)) {
      if (made.fault === "unauthenticated") return toConfirm(visit, path);
      return codes(visit, { problems: { form: inWords(words, made) }, status: wrongStatus(made) });
    }
    return showAccount(visit, {
      path,
      title: words("account.codes.new_title"),
      lead: words("enrol.codes_lead"),
      body: html`${codeList(made)}
<div class="actions">${buttonLink(hrefOf(needs, path), words("enrol.codes_kept"), "primary")}</div>`,
    });
  },
};

const codes = (visit: AccountVisit, { problems = {}, status }: Again = {}) => {
  const { words, overview } = visit;
  const { factors } = overview;
  return showAccount(visit, {
    path,
    title: words("account.codes.title"),
    lead: words("account.codes.lead"),
    ...(status === undefined ? {} : { status }),
    body: html`
${formProblem(problems)}
<p class="stands">${words("account.codes.left", { count: factors.recoveryCodes })}</p>
${factors.totp + factors.passkeys === 0 && html`<p class="hint">${words("account.codes.no_factor")}</p>`}
${whereRecent(visit, path, () =>
  ownForm(visit, path, {
    body: html`<p class="hint">${words("account.codes.renew_hint")}</p><div class="actions">${button(words("account.codes.renew"))}</div>`,
  }),
)}`,
  });
};
