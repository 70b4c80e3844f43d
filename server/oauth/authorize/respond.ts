/** How answers reach the client: in the query of its redirect URI (RFC 6749 §4.1.2), or by a form that posts itself (Form Post Response Mode). */
import type { Fault } from "../../../core/faults.ts";
import { faults } from "../../../core/faults.ts";
import { localeOf, wordsIn } from "../../messages/messages.ts";
import { randomOctets } from "../../platform/random.ts";
import type { WebRequest, WebResponse } from "../../platform/web/request.ts";
import { quoted } from "../quoted.ts";
import type { Place } from "./model.ts";

type Members = Readonly<Record<string, string>>;

/** What leads on to somebody else says nothing of where it came from, and is kept by nobody. */
const headers = { "cache-control": "no-store", "referrer-policy": "no-referrer" } as const;

/** RFC 9110 §15.4.4: after a form was posted the next request is a GET, so a password is never posted on; it does no harm elsewhere. */
export const seeOther = (location: string): WebResponse => ({
  status: 303,
  headers: { ...headers, location },
  body: "",
});

/** RFC 9207 §2: every answer says who gave it. */
const answer = (issuer: string, place: Place, members: Members, request: WebRequest): WebResponse => {
  const all: Members = { ...members, ...(place.state === null ? {} : { state: place.state }), iss: issuer };
  return place.responseMode === "form_post"
    ? selfPosting(place.redirectUri, all, request)
    : seeOther(withQuery(place, all));
};

/** The URI is kept to the octet, its own query included (RFC 6749 §3.1.2). */
const withQuery = ({ redirectUri }: Place, members: Members): string =>
  `${redirectUri}${redirectUri.includes("?") ? "&" : "?"}${new URLSearchParams(members).toString()}`;

export const codeAnswer = (issuer: string, place: Place, code: string, request: WebRequest): WebResponse =>
  answer(issuer, place, { code }, request);

/** RFC 6749 §4.1.2.1. */
export const errorAnswer = (issuer: string, place: Place, failure: Fault, request: WebRequest): WebResponse => {
  const row: { readonly status: number; readonly oauth?: string } = faults[failure.fault];
  const error = row.oauth ?? (row.status >= 500 ? "server_error" : "invalid_request");
  return answer(issuer, place, { error, error_description: quoted(failure.detail) }, request);
};

const escapes: Members = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => escapes[character] ?? "");

/**
 * The one script is let in by its nonce. `form-action` is left open: browsers hold it against every redirect that follows the post, and
 * where the client goes from there is not ours to know.
 */
const selfPosting = (action: string, members: Members, request: WebRequest): WebResponse => {
  const nonce = randomOctets(16).toString("base64");
  const say = wordsIn(localeOf(request.headers["accept-language"]));
  const fields = Object.entries(members)
    .map(([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`)
    .join("");
  return {
    status: 200,
    headers: {
      ...headers,
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": `default-src 'none'; script-src 'nonce-${nonce}'; base-uri 'none'; frame-ancestors 'none'`,
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
    },
    body:
      `<!doctype html><html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(say("page.continue"))}</title></head>` +
      `<body><form method="post" action="${escaped(action)}">${fields}<button>${escaped(say("page.continue"))}</button></form>` +
      `<script nonce="${nonce}">document.forms[0].submit()</script></body></html>`,
  };
};
