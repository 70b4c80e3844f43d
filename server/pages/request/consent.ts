/** What an application asks for, for which tenant, on whose behalf; and the human's yes or no. What is shown is what is issued. */
import { faults, isFault } from "../../../core/faults.ts";
import { isUuid, type TenantId } from "../../../core/ids.ts";
import {
  continueUrl,
  declinedBefore,
  denyConsent,
  giveConsent,
  isOptional,
  type Pending,
} from "../../oauth/authorize/pending.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import { tenantFront } from "../../policies/front.ts";
import type { Words } from "../../messages/messages.ts";
import { html, type Html } from "../html.ts";
import { actions, alternatives, button, checkbox, facts, form, link, notice } from "../kit.ts";
import { seeOther } from "../page.ts";
import { inWords } from "../problems.ts";
import { destinationOf, fail, given, hrefFrom, type PageSpec, show, type Visitor } from "../visit.ts";
import { whoIs } from "../who-is.ts";
import { withName } from "../sign-in/email.ts";
import { detailInWords, scopeInWords } from "./in-words.ts";

const path = "/consent";

export const consentPage: PageSpec = {
  path,
  policy: { session: "the human decides on an application's access to their own account" },
  get: async (visitor) => consentForm(visitor),
  post: async (visitor) => {
    const { needs, session, pending, request, words } = visitor;
    if (session === undefined || pending === undefined) return seeOther(destinationOf(visitor));
    if (request.form["decision"] !== "allow") {
      const denied = await denyConsent(needs, pending);
      return isFault(denied) ? fail(visitor, denied) : seeOther(denied);
    }
    // What is agreed to is what the page showed: another tenant, or other scopes, meanwhile make it ask again.
    const shown = given(visitor, "shown_tenant");
    const scopes = (given(visitor, "shown_scopes") ?? "").split(" ").filter((scope) => scope !== "");
    const same = scopes.length === pending.scopes.length && scopes.every((scope) => pending.scopes.includes(scope));
    if (!same || (shown !== undefined && !isUuid(shown))) return consentForm(visitor);
    const chosen = pending.scopes.filter((scope, at) => request.form[boxOf(at)] === scope);
    const agreed = await giveConsent(needs, session, pending, chosen, shown as TenantId | undefined);
    if (!isFault(agreed)) return seeOther(continueUrl(needs, pending));
    return consentForm(visitor, inWords(words, agreed), faults[agreed.fault].status);
  },
};

const consentForm = async (visitor: Visitor, problem?: string, status = 400): Promise<WebResponse> => {
  const { needs, session, pending, words, token, carried } = visitor;
  if (session === undefined || pending === undefined) return seeOther(destinationOf(visitor));
  const [who, bound, declined] = await Promise.all([
    whoIs(needs, session),
    pending.boundTenant === null ? undefined : tenantFront(needs.platform.database, pending.boundTenant),
    declinedBefore(needs, session, pending),
  ]);
  const { client } = pending;
  const fixed = pending.scopes.filter((scope) => !isOptional(scope));
  return show(visitor, {
    title: words("consent.title"),
    lead: withName(words("consent.lead", { application: "\u0000" }), client.name),
    ...(problem === undefined ? {} : { status }),
    body: html`
${problem !== undefined && notice("error", problem)}
${client.source !== "managed" && notice("warning", words("consent.host_registered", { host: client.host }))}
${facts([
  [words("consent.who"), client.name],
  ...(client.host === "" ? [] : ([[words("consent.host"), html`<code>${client.host}</code>`]] as const)),
  ...(bound === undefined ? [] : ([[words("consent.tenant"), bound.displayName]] as const)),
  [words("consent.account"), who?.email ?? ""],
  ...(actsFor(pending)
    ? ([[words("consent.actor"), words("consent.actor_hint", { actor: client.name })]] as const)
    : []),
])}
<h2 class="minor">${words("consent.wants")}</h2>
${fixed.length + pending.details.length > 0 && wishes(words, { ...pending, scopes: fixed })}
${form({
  action: hrefFrom(visitor, path),
  token,
  carried: { ...carried, shown_scopes: pending.scopes.join(" "), shown_tenant: pending.boundTenant ?? undefined },
  body: html`${options(words, pending, declined)}${actions(
    button(words("consent.allow"), { name: "decision", value: "allow" }),
    button(words("consent.deny"), { name: "decision", value: "deny", look: "quiet" }),
  )}`,
})}
${alternatives(
  client.policyUri !== null && link(client.policyUri, words("consent.policy")),
  client.tosUri !== null && link(client.tosUri, words("consent.terms")),
  html`${words("page.not_you")} ${link(hrefFrom(visitor, "/sign-in"), words("sign_in.change_account"))}`,
)}`,
  });
};

/** Each box has a name of its own, and its scope as its value. */
const boxOf = (at: number): string => `scope_${at}`;

const options = (words: Words, { scopes }: Pending, declined: readonly string[]): Html => {
  const boxes = scopes.map((scope, at) =>
    isOptional(scope)
      ? checkbox({
          name: boxOf(at),
          value: scope,
          label: scopeInWords(words, scope),
          checked: !declined.includes(scope),
        })
      : undefined,
  );
  return boxes.some((box) => box !== undefined)
    ? html`<fieldset><legend class="hint">${words("consent.leave_out")}</legend>${boxes}</fieldset>`
    : html``;
};

const identityScopes: readonly string[] = ["openid", "profile", "email", "offline_access"];

/** An application that is nobody's here and asks for more than who one is acts for the human: an agent. */
const actsFor = ({ client, scopes, details }: Pending): boolean =>
  !client.firstParty && (details.length > 0 || scopes.some((scope) => !identityScopes.includes(scope)));

export const wishes = (words: Words, { scopes, details }: Pick<Pending, "scopes" | "details">): Html =>
  html`<ul class="scopes">${scopes.map((scope) => html`<li>${scopeInWords(words, scope)}</li>`)}${details.map(
    (detail) => {
      const [title, said] = detailInWords(words, detail);
      return html`<li>${title}<br><small>${said}</small></li>`;
    },
  )}</ul>`;
