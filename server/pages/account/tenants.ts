/** Where one belongs, and leaving. */
import { isFault } from "../../../core/faults.ts";
import { isUuid, type TenantId } from "../../../core/ids.ts";
import { tenantsOfHuman } from "../../oauth/authorize/tenants.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import { leaveTenant } from "../../sign-in/account/leave-tenant.ts";
import { html } from "../html.ts";
import { button, list } from "../kit.ts";
import { formProblem, inWords } from "../problems.ts";
import {
  type AccountSpec,
  type AccountVisit,
  type Again,
  dateIn,
  done,
  ownForm,
  showAccount,
  textOf,
  wrongStatus,
} from "./account-page.ts";

const path = "/account/tenants";

export const tenantsPage: AccountSpec = {
  path,
  get: async (visit) => tenants(visit),
  post: async (visit) => {
    const { words, needs, asking } = visit;
    const leaving = textOf(visit, "leave") ?? "";
    if (!isUuid(leaving)) return tenants(visit, { problems: { form: words("account.not_done") }, status: 400 });
    const left = await leaveTenant(needs.signIn, asking, leaving as TenantId);
    if (!isFault(left)) return done(visit, path, "left");
    const form = inWords(
      words,
      left,
      words(left.fault === "not_admissible" ? "account.tenants.last" : "account.not_done"),
    );
    return tenants(visit, { problems: { form }, status: wrongStatus(left) });
  },
};

const tenants = async (visit: AccountVisit, { problems = {}, status }: Again = {}): Promise<WebResponse> => {
  const { words, needs, session } = visit;
  const all = await tenantsOfHuman(needs.platform.database, session);
  return showAccount(visit, {
    path,
    title: words("account.tenants.title"),
    lead: words("account.tenants.lead"),
    ...(status === undefined ? {} : { status }),
    body: html`
${formProblem(problems)}
${list(
  all.map(({ tenant, displayName, lastUsed }) => ({
    title: displayName,
    badge: tenant === session.home ? words("account.tenants.home") : undefined,
    details: [lastUsed === null ? words("account.not_used") : words("account.used", { time: dateIn(visit, lastUsed) })],
    actions:
      tenant === session.home
        ? undefined
        : ownForm(visit, path, {
            // Named `leave`: `tenant` says whose face a page has.
            carried: { leave: tenant },
            body: button(words("account.tenants.leave"), {
              look: "danger",
              label: words("account.tenants.leave_which", { name: displayName }),
            }),
          }),
  })),
)}
<p class="hint">${words("account.tenants.switch")}</p>`,
  });
};
