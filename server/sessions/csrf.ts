/**
 * Forms belong to the browser they were shown to. Their token is an HMAC of the session's id, or, before there is a session, of the
 * value of a cookie that no other site can read or set (`__Host-`).
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { randomOctets } from "../platform/random.ts";
import { readCookie, setCookie } from "../platform/web/cookies.ts";
import type { WebRequest } from "../platform/web/request.ts";
import type { Session } from "./model.ts";

export const formCookie = "__Host-countersign-form";
/** The hidden field that carries the token. */
export const formField = "form_token";

/** `derivedKey(secretKey, "form tokens")`. */
type Needs = { readonly formKey: Buffer };

export type FormToken = {
  readonly token: string;
  /** A `Set-Cookie` value to send along, where the browser had no form cookie yet. */
  readonly cookie: string | undefined;
};

const cookieOctets = 32;
/** 32 octets in base64url. */
const cookieForm = /^[A-Za-z0-9_-]{43}$/;

/** A session's id never looks like a cookie's value, so no token of one is a token of the other. */
const tokenFor = (key: Buffer, bound: string): string => createHmac("sha256", key).update(bound).digest("base64url");

const ownCookie = ({ headers }: Pick<WebRequest, "headers">): string | undefined => {
  const value = readCookie(headers, formCookie);
  return value !== undefined && cookieForm.test(value) ? value : undefined;
};

export const formToken = (
  { formKey }: Needs,
  session: Session | undefined,
  request: Pick<WebRequest, "headers">,
): FormToken => {
  if (session !== undefined) return { token: tokenFor(formKey, `session:${session.id}`), cookie: undefined };
  const known = ownCookie(request);
  const value = known ?? randomOctets(cookieOctets).toString("base64url");
  return {
    token: tokenFor(formKey, `browser:${value}`),
    cookie: known === undefined ? setCookie(formCookie, value) : undefined,
  };
};

/** Whether the form that was posted is one that this browser was shown, in this session. */
export const checkFormToken = (
  { formKey }: Needs,
  session: Session | undefined,
  request: Pick<WebRequest, "headers" | "form">,
): boolean => {
  const given = request.form[formField];
  const bound = session === undefined ? ownCookie(request) : session.id;
  if (typeof given !== "string" || bound === undefined) return false;
  const wanted = Buffer.from(tokenFor(formKey, `${session === undefined ? "browser" : "session"}:${bound}`));
  const presented = Buffer.from(given);
  return presented.length === wanted.length && timingSafeEqual(presented, wanted);
};
