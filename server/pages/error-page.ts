/** What went wrong, for a person: what it is, what to do about it, and the id under which it can be found in the log. */
import { type Fault, type FaultCode, faults } from "../../core/faults.ts";
import { type Locale, localeOf, type MessageKey, wordsIn } from "../messages/messages.ts";
import type { WebRequest, WebResponse } from "../platform/web/request.ts";
import type { Brand } from "./brand.ts";
import { html } from "./html.ts";
import { notice } from "./kit.ts";
import { renderPage } from "./page.ts";
import type { Site } from "./site.ts";

type More = { readonly brand?: Brand; readonly locale?: Locale; readonly opener?: "kept" | undefined };

export const errorPage = (
  site: Site,
  failure: Fault,
  requestId: string,
  request?: Pick<WebRequest, "headers">,
  { brand, opener, locale = localeOf(request?.headers["accept-language"]) }: More = {},
): WebResponse => {
  const words = wordsIn(locale);
  const kind = kinds[failure.fault] ?? (faults[failure.fault].status >= 500 ? "broken" : "request");
  const page = renderPage({
    site,
    locale,
    ...(brand === undefined ? {} : { brand }),
    status: faults[failure.fault].status,
    opener,
    title: words(`error.${kind}.title` satisfies MessageKey),
    lead: words(`error.${kind}.lead` satisfies MessageKey),
    body: html`
${showsDetail(kind) && notice("info", html`<p class="technical">${failure.detail}</p>`)}
<p class="hint">${words("error.request_id")} <code>${requestId}</code></p>`,
  });
  return failure.retryAfterSeconds === undefined
    ? page
    : { ...page, headers: { ...page.headers, "retry-after": String(failure.retryAfterSeconds) } };
};

type Kind = "request" | "expired" | "missing" | "busy" | "broken" | "refused";

const kinds: Partial<Record<FaultCode, Kind>> = {
  not_found: "missing",
  invalid_grant: "expired",
  invalid_request_uri: "expired",
  rate_limited: "busy",
  unavailable: "broken",
  internal: "broken",
  permission_denied: "refused",
  unauthenticated: "refused",
};

/** What the application's developer has to know, in English, like every fault; nothing of ours. */
const showsDetail = (kind: Kind): boolean => kind === "request" || kind === "refused" || kind === "missing";
