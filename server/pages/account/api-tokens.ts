/** API tokens of one's own, tenant by tenant. A new one is made by the operation that makes every other, with the human as its caller. */
import { isFault, type Result } from "../../../core/faults.ts";
import { isUuid, type TenantId } from "../../../core/ids.ts";
import { createApiToken } from "../../credentials/create-api-token.ts";
import type { ApiToken } from "../../credentials/model.ts";
import { tenantsOfHuman } from "../../oauth/authorize/tenants.ts";
import { type Answer, perform, prepare } from "../../operations/perform.ts";
import type { WebResponse } from "../../platform/web/request.ts";
import { callerOf } from "../../sign-in/account/caller-of.ts";
import { ownApiTokens, revokeOwnApiToken } from "../../sign-in/account/own-api-tokens.ts";
import { html, type Html } from "../html.ts";
import { button, buttonLink, field, hidden, list, notice, searchForm, section, select } from "../kit.ts";
import { formProblem, inWords, readDisplayName } from "../problems.ts";
import { hrefOf } from "../site.ts";
import { given } from "../visit.ts";
import {
  type AccountSpec,
  type AccountVisit,
  type Again,
  dateIn,
  done,
  ownForm,
  showAccount,
  textOf,
  toConfirm,
  whereRecent,
  wrongStatus,
} from "./account-page.ts";
import { isRecent } from "../../sign-in/account/visit.ts";

const path = "/account/api-tokens";
const lifetimes = ["7", "30", "90", "365"] as const;
const dayMs = 24 * 3_600_000;

type Belonging = Awaited<ReturnType<typeof tenantsOfHuman>>;

/** The tenant looked at: the one named where one belongs, else the home, else the first. Named `at`: `tenant` says whose face a page has. */
const tenantOf = (visit: AccountVisit, all: Belonging): TenantId | undefined => {
  const named = given(visit, "at");
  const ids = all.map((one) => one.tenant);
  return ids.find((one) => one === named) ?? ids.find((one) => one === visit.session.home) ?? ids[0];
};

export const apiTokensPage: AccountSpec = {
  path,
  get: async (visit) => tokens(visit),
  post: async (visit) => {
    const { words, needs, asking, session } = visit;
    const at = tenantOf(visit, await tenantsOfHuman(needs.platform.database, session));
    if (at === undefined) return tokens(visit);
    const revoked = textOf(visit, "revoke");
    if (revoked === undefined) return create(visit, at);
    const ended = isUuid(revoked) ? await revokeOwnApiToken(needs.signIn, asking, at, revoked) : undefined;
    if (!isFault(ended)) return done(visit, path, "token_revoked", { query: { at } });
    const form = inWords(words, ended, words("account.not_done"));
    return tokens(visit, { problems: { form }, status: wrongStatus(ended) });
  },
};

const create = async (visit: AccountVisit, at: TenantId): Promise<WebResponse> => {
  const { words, needs, session } = visit;
  if (!isRecent(needs.signIn, session)) return toConfirm(visit, path);
  const displayName = readDisplayName(textOf(visit, "display_name"));
  const scopes = (textOf(visit, "scopes") ?? "").split(/[\s,]+/).filter((one) => one !== "");
  const days = Number(textOf(visit, "days") ?? lifetimes[1]);
  if (displayName === undefined)
    return tokens(visit, { problems: { display_name: words("problem.display_name") }, status: 400 });
  const made = await createdBy(visit, at, {
    display_name: displayName,
    scopes: [...new Set(scopes)],
    expire_time: new Date(needs.platform.clock.now() + days * dayMs).toISOString(),
  });
  if (!isFault(made)) return shownOnce(visit, at, made);
  const isUnknown = made.fault === "invalid_argument";
  const said = words(isUnknown ? "account.tokens.unknown_scope" : "account.tokens.refused");
  return tokens(visit, { problems: { scopes: inWords(words, made, said) }, status: wrongStatus(made) });
};

const createdBy = async (
  { needs, session, request }: AccountVisit,
  at: TenantId,
  input: object,
): Promise<Result<Answer>> => {
  const { engine } = needs;
  const caller = await callerOf(engine, session, at);
  if (isFault(caller)) return caller;
  const meta = { requestId: request.requestId, idempotencyKey: undefined, ifMatch: undefined, tenant: undefined };
  return perform(engine, prepare(engine.model, createApiToken), caller, input, meta);
};

const shownOnce = (visit: AccountVisit, at: TenantId, { body }: Answer): WebResponse => {
  const { words, needs } = visit;
  const { token } = body as { readonly token: string };
  return showAccount(visit, {
    path,
    title: words("account.tokens.created_title"),
    body: html`
${notice("warning", words("account.tokens.created"))}
<code class="secret">${token}</code>
<div class="actions">${buttonLink(hrefOf(needs, path, { at }), words("account.tokens.kept"), "primary")}</div>`,
  });
};

const tokens = async (visit: AccountVisit, { problems = {}, status }: Again = {}): Promise<WebResponse> => {
  const { words, needs, session } = visit;
  const all = await tenantsOfHuman(needs.platform.database, session);
  const at = tenantOf(visit, all);
  const own = at === undefined ? [] : await ownApiTokens(needs.signIn, session, at, needs.engine.pageKey);
  return showAccount(visit, {
    path,
    title: words("account.tokens.title"),
    lead: words("account.tokens.lead"),
    ...(status === undefined ? {} : { status }),
    body: html`
${formProblem(problems)}
${
  all.length > 1 &&
  searchForm({
    action: hrefOf(needs, path),
    body: html`${select({
      name: "at",
      label: words("account.tokens.tenant"),
      value: at,
      options: all.map(({ tenant, displayName }) => ({ value: tenant, label: displayName })),
    })}${button(words("account.tokens.show"), { look: "quiet" })}`,
  })
}
${
  own.length === 0 || at === undefined
    ? html`<p class="hint">${words("account.tokens.none")}</p>`
    : list(own.map((one) => row(visit, at, one)))
}
${
  at !== undefined &&
  section(
    "new",
    words("account.tokens.new_title"),
    whereRecent(visit, path, () => newToken(visit, at, problems)),
  )
}`,
  });
};

const row = (visit: AccountVisit, at: TenantId, { id, displayName, scopes, expireTime, lastUsedTime }: ApiToken) => {
  const { words } = visit;
  return {
    title: displayName,
    details: [
      words("account.tokens.scopes", { scopes: scopes.join(", ") }),
      words("account.tokens.expires", { time: dateIn(visit, expireTime) }),
      lastUsedTime === null ? words("account.not_used") : words("account.used", { time: dateIn(visit, lastUsedTime) }),
    ],
    actions: ownForm(visit, path, {
      carried: { at, revoke: id },
      body: button(words("account.tokens.revoke"), {
        look: "danger",
        label: words("account.tokens.revoke_which", { name: displayName }),
      }),
    }),
  };
};

const newToken = (visit: AccountVisit, at: TenantId, problems: Again["problems"] = {}): Html => {
  const { words } = visit;
  return ownForm(visit, path, {
    body: html`
${hidden("at", at)}
${field({
  name: "display_name",
  label: words("account.tokens.name"),
  value: textOf(visit, "display_name"),
  maxlength: 200,
  error: problems["display_name"],
})}
${field({
  name: "scopes",
  label: words("account.tokens.new_scopes"),
  hint: words("account.tokens.new_scopes_hint"),
  value: textOf(visit, "scopes"),
  maxlength: 2_000,
  error: problems["scopes"],
})}
${select({
  name: "days",
  label: words("account.tokens.days"),
  value: textOf(visit, "days") ?? lifetimes[1],
  options: lifetimes.map((value) => ({ value, label: words("account.tokens.days_count", { count: Number(value) }) })),
})}
${button(words("account.tokens.create"))}`,
  });
};
