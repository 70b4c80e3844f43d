/**
 * A page around its body, and the headers every page has. Nothing runs in it but what it names itself, nothing frames it, nothing keeps
 * it, and no address of it is told to anybody (security.md 6).
 */
import { type Locale, wordsIn } from "../messages/messages.ts";
import { randomOctets } from "../platform/random.ts";
import type { WebResponse } from "../platform/web/request.ts";
import { accentStyle } from "./accent.ts";
import { assetHref } from "./assets.ts";
import { type Brand, defaultBrand } from "./brand.ts";
import { html, type Html, raw } from "./html.ts";
import { hrefOf, type Site } from "./site.ts";

export type NavItem = { readonly path: string; readonly label: string };

export type Page = {
  readonly site: Site;
  readonly locale: Locale;
  /** The heading, and with the brand's name the document's title. */
  readonly title: string;
  /** A sentence below the heading. */
  readonly lead?: Html | string | undefined;
  readonly body: Html;
  /** The deployment's own where there is none. */
  readonly brand?: Brand | undefined;
  /** 200 unless said otherwise. */
  readonly status?: number;
  /** `Set-Cookie` values. */
  readonly cookies?: readonly string[];
  /** `passkeys`: the page offers them. `fragment`: the page reads a secret from the URL's fragment. */
  readonly script?: "passkeys" | "fragment" | undefined;
  /** `kept`: an application has opened this window for somebody to sign in, and waits in another one. Cut off unless said so. */
  readonly opener?: "kept" | undefined;
  /** CSP sources where posting this page's forms may end, beside here: browsers hold redirects to form-action too. */
  readonly formTargets?: readonly string[];
  /** `wide` for pages with lists and several forms. */
  readonly layout?: "narrow" | "wide";
  /** Links beside a wide page's content. */
  readonly nav?: { readonly label: string; readonly items: readonly NavItem[]; readonly current: string } | undefined;
  /** Above the card's foot: who is signed in, and the way out. */
  readonly foot?: Html | undefined;
};

export const renderPage = (page: Page): WebResponse => {
  const nonce = randomOctets(18).toString("base64url");
  return {
    status: page.status ?? 200,
    headers: {
      ...pageHeaders,
      "cross-origin-opener-policy": page.opener === "kept" ? "unsafe-none" : "same-origin",
      "content-security-policy": contentPolicy(page, nonce),
      "content-language": page.locale,
      ...(page.cookies === undefined || page.cookies.length === 0 ? {} : { "set-cookie": page.cookies }),
    },
    body: document(page, nonce),
  };
};

const pageHeaders = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  // A link with a secret in it must not end up in an index.
  "x-robots-tag": "noindex",
} as const;

const contentPolicy = ({ script, formTargets = [] }: Page, nonce: string): string =>
  [
    "default-src 'none'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    `script-src ${script === undefined ? "'none'" : `'nonce-${nonce}'`}`,
    ["form-action 'self'", ...formTargets.map(writable)].join(" "),
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join("; ");

/** CSP 3 §2.3.1: a host source has no brackets, so of an IPv6 address only the scheme can be written. */
const writable = (source: string): string => (source.includes("[") ? source.slice(0, source.indexOf(":") + 1) : source);

const document = (page: Page, nonce: string): string => {
  const { site, locale, title, lead, body, brand = defaultBrand, layout = "narrow", nav, foot } = page;
  const words = wordsIn(locale);
  return html`<!doctype html>
<html lang="${locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · ${brand.name}</title>
<link rel="icon" href="${assetHref(site, "seal.svg")}">
<link rel="stylesheet" href="${assetHref(site, "style.css")}">
<style nonce="${nonce}">${raw(accentStyle(brand.accentColor))}</style>
${scripts(page, nonce)}
</head>
<body class="${layout}">
<a class="skip" href="#main">${words("page.skip")}</a>
<header class="brand">
${brand.logo === null ? html`<span class="seal" aria-hidden="true"></span>` : html`<img src="${brand.logo}" alt="">`}
<span class="name">${brand.name}</span>
</header>
<div class="frame">
${nav === undefined ? "" : navigation(site, nav)}
<main id="main" tabindex="-1">
<h1>${title}</h1>
${lead === undefined || lead === "" ? "" : html`<p class="lead">${lead}</p>`}
${body}
</main>
</div>
<footer class="foot">${foot}</footer>
</body>
</html>
`.markup;
};

const navigation = (
  site: Site,
  { label, items, current }: NonNullable<Page["nav"]>,
): Html => html`<nav aria-label="${label}">
<ul>${items.map(
  (item) =>
    html`<li><a href="${hrefOf(site, item.path)}"${item.path === current ? raw(' aria-current="page"') : ""}>${item.label}</a></li>`,
)}</ul>
</nav>`;

const scripts = ({ site, script }: Page, nonce: string): Html => {
  const names =
    script === undefined
      ? []
      : script === "passkeys"
        ? (["webauthn.js", "passkeys.js"] as const)
        : (["fragment.js"] as const);
  return html`${names.map((name) => html`<script nonce="${nonce}" src="${assetHref(site, name)}" defer></script>`)}`;
};

/** RFC 9110 §15.4.4: what was posted is done; see there. */
export const seeOther = (location: string, cookies: readonly string[] = []): WebResponse => ({
  status: 303,
  headers: {
    location,
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    ...(cookies.length === 0 ? {} : { "set-cookie": cookies }),
  },
  body: "",
});
