/**
 * Forms belong to the browser they were shown to. Their token is an HMAC of the session's id, or, before there is a session, of the
 * value of a cookie that no other site can read or set (`__Host-`).
 */
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

export const formToken = (
  _needs: Needs,
  _session: Session | undefined,
  _request: Pick<WebRequest, "headers">,
): FormToken => {
  throw new Error("forms have no token yet");
};

/** Whether the form that was posted is one that this browser was shown, in this session. */
export const checkFormToken = (
  _needs: Needs,
  _session: Session | undefined,
  _request: Pick<WebRequest, "headers" | "form">,
): boolean => {
  throw new Error("forms have no token yet");
};
