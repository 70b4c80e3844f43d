/**
 * A visit to a page: who comes, on whose account, to which door, in which language; and the form token of what they are shown. It is
 * opened once for every request, before the page is asked, and no page can forget what is checked here.
 */
import { type Fault, fault, isFault, type Result } from "../../core/faults.ts";
import { hostTenant, isUuid, type TenantId } from "../../core/ids.ts";
import { type Locale, localeOf, type Words, wordsIn } from "../messages/messages.ts";
import { continueUrl, type Pending, readPending } from "../oauth/authorize/pending.ts";
import type { RequestNeeds } from "../oauth/authorize/needs.ts";
import type { SecretKey } from "../platform/keys/seal.ts";
import type { Limits } from "../platform/limits/limits.ts";
import type { Form, WebRequest, WebResponse } from "../platform/web/request.ts";
import { type TenantFront, tenantFront } from "../policies/front.ts";
import { checkFormToken, formToken } from "../sessions/csrf.ts";
import { findSession } from "../sessions/find-session.ts";
import type { Session } from "../sessions/model.ts";
import type { SignedIn, SignIn } from "../sign-in/needs.ts";
import { type Brand, brandOf } from "./brand.ts";
import { errorPage } from "./error-page.ts";
import { html } from "./html.ts";
import { notice } from "./kit.ts";
import { type Page, renderPage, seeOther } from "./page.ts";
import type { PageRoute } from "./page-route.ts";
import { hrefOf, prefixOf } from "./site.ts";

export type PageNeeds = RequestNeeds & {
  readonly signIn: SignIn;
  readonly limits: Limits;
  readonly sealKey: SecretKey;
  /** `derivedKey(secretKey, "form tokens")`. */
  readonly formKey: Buffer;
  /** `derivedKey(secretKey, "user codes")`. */
  readonly userCodeKey: Buffer;
};

export type Visitor = {
  readonly needs: PageNeeds;
  readonly request: WebRequest;
  /** `partial` too: the first factor was right. */
  readonly session: Session | undefined;
  /** The authorization request that led here. */
  readonly pending: Pending | undefined;
  /** The tenant people are signing in to; null for none in particular. */
  readonly context: TenantId | null;
  /** Whose door it is: the tenant's, else the host's. */
  readonly front: TenantFront | undefined;
  readonly brand: Brand;
  readonly locale: Locale;
  readonly words: Words;
  /** For every form of the page. */
  readonly token: string;
  /** To be sent along with the page. */
  readonly cookies: readonly string[];
  /** What goes from page to page: the request under way, the tenant, where to go after. */
  readonly carried: Readonly<Record<"request" | "tenant" | "next", string | undefined>>;
  /** The form that was posted is not one this browser was shown. */
  readonly stale: boolean;
};

/** Longer than any handle, link or path of ours. */
const valueLengthMax = 2_000;

const one = (form: Form, name: string): string | undefined => {
  const value = form[name];
  return typeof value === "string" && value !== "" && value.length <= valueLengthMax ? value : undefined;
};

/** A value of the form, else of the query; undefined where it is empty, too long, or came twice. */
export const given = ({ request }: { readonly request: WebRequest }, name: string): string | undefined =>
  one(request.form, name) ?? one(request.query, name);

/** Pages of ours that signing in may lead back to. Nothing else is ever redirected to (CWE-601). */
const returns = /^\/(account|device|invitation)(\/[a-z-]+)*(\?[\w.~%&=+-]*)?$/;

const openVisit = async (needs: PageNeeds, request: WebRequest, outlives: boolean): Promise<Result<Visitor>> => {
  const asking = given({ request }, "request");
  const read = asking === undefined ? undefined : await readPending(needs, asking);
  if (isFault(read) && !outlives) return read;
  const [handle, pending] = isFault(read) ? [undefined, undefined] : [asking, read];
  const asked = given({ request }, "tenant");
  if (asked !== undefined && !isUuid(asked)) return fault("not_found", "there is no such tenant");
  const named = asked as TenantId | undefined;
  const context = pending === undefined ? (named ?? null) : contextOf(pending);
  const [session, front] = await Promise.all([
    findSession(needs, request),
    tenantFront(needs.platform.database, context ?? hostTenant),
  ]);
  if (context !== null && front?.state !== "active") return fault("not_found", "there is no such tenant");
  const next = given({ request }, "next");
  const { token, cookie } = formToken(needs, session, request);
  const locale = localeOf(request.headers["accept-language"], pending?.uiLocales.join(" "));
  return {
    needs,
    request,
    session,
    pending,
    context,
    front,
    brand: brandOf(needs, front),
    locale,
    words: wordsIn(locale),
    token,
    cookies: cookie === undefined ? [] : [cookie],
    carried: {
      request: handle,
      tenant: pending === undefined ? named : undefined,
      next: next !== undefined && returns.test(next) ? next : undefined,
    },
    stale: false,
  };
};

const contextOf = ({ boundTenant, clientTenant }: Pending): TenantId | null =>
  boundTenant ?? (clientTenant === hostTenant ? null : clientTenant);

/** The page wears the face of the tenant that a link is of. */
export const atDoorOf = async (visitor: Visitor, tenant: TenantId): Promise<Visitor> => {
  const front = await tenantFront(visitor.needs.platform.database, tenant);
  return { ...visitor, front, brand: brandOf(visitor.needs, front) };
};

/** The secret of a mail's link. */
export const linkOf = (visitor: Visitor): string => given(visitor, "link") ?? "";

/** A page of ours with what is carried along. */
export const hrefFrom = (
  { needs, carried }: Visitor,
  path: string,
  query: Readonly<Record<string, string | undefined>> = {},
): string => hrefOf(needs, path, { ...carried, ...query });

/** Where the browser goes once everything is said: on with the request, back to where it came from, or to the account. */
export const destinationOf = ({ needs, pending, carried }: Visitor): string =>
  pending === undefined ? hrefOf(needs, carried.next ?? "/account") : continueUrl(needs, pending);

/** After a factor was right. */
export const onwards = (visitor: Visitor, { next, cookies }: SignedIn, more: readonly string[] = []): WebResponse => {
  const all = [...cookies, ...more];
  if (next === "second_factor") return seeOther(hrefFrom(visitor, "/sign-in/second-factor"), all);
  return seeOther(next === "enrol" ? hrefFrom(visitor, "/sign-in/enrol") : destinationOf(visitor), all);
};

type Shown = Omit<Page, "site" | "locale" | "brand" | "formTargets" | "opener">;

/** The page in the visit's language and brand. */
export const show = (visitor: Visitor, page: Shown): WebResponse => {
  const { needs, locale, brand, words, pending, stale } = visitor;
  return renderPage({
    ...page,
    site: needs,
    locale,
    brand,
    status: page.status ?? (stale ? 403 : 200),
    cookies: [...visitor.cookies, ...(page.cookies ?? [])],
    formTargets: pending?.formTargets ?? [],
    opener: openerOf(visitor),
    body: html`${stale && notice("error", words("problem.form_stale"))}${page.body}`,
  });
};

/**
 * An application may have opened a window for the request under way, and its redirect URI speaks to the one that opened it. Browsers cut the
 * two apart for good at the first page whose policy is another than the opener's, so no page on the way may have one: `unsafe-none` is the
 * only value that keeps an opener of another origin (HTML, "cross-origin opener policies"). Pages of the account, and whatever is opened without a request, are alone.
 */
const openerOf = ({ pending }: Pick<Visitor, "pending">): "kept" | undefined =>
  pending === undefined ? undefined : "kept";

export const fail = (visitor: Visitor, failure: Fault): WebResponse =>
  errorPage(visitor.needs, failure, visitor.request.requestId, visitor.request, {
    brand: visitor.brand,
    locale: visitor.locale,
    opener: openerOf(visitor),
  });

export type PageSpec = {
  readonly path: string;
  /** `session`: only with a session that is full; others are sent to sign in, and come back. */
  readonly policy: PageRoute["policy"];
  /** Whether the page is worth something without the request that led here: a mail may be read long after. */
  readonly outlives?: true;
  readonly get: (visitor: Visitor) => Promise<WebResponse>;
  /** Asked only for forms that this browser was shown; `get` answers the others. */
  readonly post?: (visitor: Visitor) => Promise<WebResponse>;
};

const answer = async (
  needs: PageNeeds,
  spec: PageSpec,
  post: PageSpec["post"],
  request: WebRequest,
): Promise<WebResponse> => {
  const visitor = await openVisit(needs, request, spec.outlives === true);
  if (isFault(visitor)) return errorPage(needs, visitor, request.requestId, request);
  if ("session" in spec.policy && visitor.session?.state !== "full") return toSignIn(visitor);
  if (post === undefined) return spec.get(visitor);
  return checkFormToken(needs, visitor.session, request)
    ? whenToRetry(await post(visitor))
    : spec.get({ ...visitor, stale: true });
};

/** RFC 9110 §10.2.3, for what is no human: the shortest wait of a limit, or of a server that is full. The page says how long in words. */
const retryAfter: Readonly<Record<number, string>> = { 429: "60", 503: "1" };

const whenToRetry = (response: WebResponse): WebResponse => {
  const seconds = retryAfter[response.status];
  return seconds === undefined ? response : { ...response, headers: { "retry-after": seconds, ...response.headers } };
};

/** And from there back to this page, with its query. */
const toSignIn = (visitor: Visitor): WebResponse => {
  const { request } = visitor;
  const asked = Object.entries({ ...request.query }).filter(
    (pair): pair is [string, string] => typeof pair[1] === "string",
  );
  // `next` is below the issuer, whose path `hrefOf` puts before it.
  const back = `${request.path.slice(prefixOf(visitor.needs).length)}${asked.length === 0 ? "" : `?${new URLSearchParams(asked).toString()}`}`;
  const next = visitor.carried.next ?? (returns.test(back) ? back : undefined);
  return seeOther(hrefFrom(visitor, "/sign-in", { next }));
};

export const pageRoutesOf = (needs: PageNeeds, spec: PageSpec): readonly PageRoute[] => {
  const common = {
    kind: "page",
    path: spec.path,
    policy: spec.policy,
    refuse: (failure: Fault, requestId: string) => errorPage(needs, failure, requestId),
  } as const;
  const { post } = spec;
  return [
    { ...common, method: "GET", handle: (request) => answer(needs, spec, undefined, request) },
    ...(post === undefined
      ? []
      : [{ ...common, method: "POST" as const, handle: (request: WebRequest) => answer(needs, spec, post, request) }]),
  ];
};
