/** The applications that act for one, and taking it back. */
import { isFault } from "../../../core/faults.ts";
import { isUuid, type TenantId } from "../../../core/ids.ts";
import {
  type Connected,
  connectedApplications,
  disconnectApplication,
} from "../../oauth/connected/connected-applications.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import { html } from "../html.ts";
import { button, list } from "../kit.ts";
import { formProblem, inWords } from "../problems.ts";
import { scopeInWords } from "../request/in-words.ts";
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

const path = "/account/applications";

export const applicationsPage: AccountSpec = {
  path,
  get: async (visit) => applications(visit),
  post: async (visit) => {
    const { words, needs, asking } = visit;
    const clientId = textOf(visit, "client") ?? "";
    const bound = textOf(visit, "bound") ?? "";
    if (!isUuid(bound)) return applications(visit, { problems: { form: words("account.not_done") }, status: 400 });
    const ended = await disconnectApplication(needs.signIn, asking, { clientId, bound: bound as TenantId });
    if (!isFault(ended)) return done(visit, path, "disconnected");
    const form = inWords(words, ended, words("account.not_done"));
    return applications(visit, { problems: { form }, status: wrongStatus(ended) });
  },
};

const applications = async (visit: AccountVisit, { problems = {}, status }: Again = {}): Promise<WebResponse> => {
  const { words, needs, session } = visit;
  const found = await connectedApplications(needs.signIn, session);
  const all = isFault(found) ? [] : found;
  return showAccount(visit, {
    path,
    title: words("account.applications.title"),
    lead: words("account.applications.lead"),
    ...(status === undefined ? {} : { status }),
    body: html`
${formProblem(problems)}
${all.length === 0 ? html`<p class="hint">${words("account.applications.none")}</p>` : list(all.map((one) => row(visit, one)))}`,
  });
};

const row = (visit: AccountVisit, { clientId, name, bound, boundName, scopes, since, used }: Connected) => {
  const { words } = visit;
  return {
    title: name,
    details: [
      words("account.applications.for", { tenant: boundName, time: dateIn(visit, since) }),
      used === null ? words("account.not_used") : words("account.used", { time: dateIn(visit, used) }),
      scopes.length === 0
        ? undefined
        : words("account.applications.may", { scopes: scopes.map((scope) => scopeInWords(words, scope)).join("; ") }),
    ].filter((one) => one !== undefined),
    actions: ownForm(visit, path, {
      carried: { client: clientId, bound },
      body: button(words("account.applications.disconnect"), {
        look: "danger",
        label: words("account.applications.disconnect_which", { name: `${name} (${boundName})` }),
      }),
    }),
  };
};
