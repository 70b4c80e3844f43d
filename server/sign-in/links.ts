/** The links of mails: the page each leads to, and the one answer to those that lead nowhere. */
import { type Fault, fault } from "../../core/faults.ts";
import { addressClass } from "../platform/web/address.ts";
import type { SignIn, Visit } from "./needs.ts";

/** `continueWith`: the authorization request that was interrupted, to go on with afterwards. */
export const linkUrl = (
  { issuer }: Pick<SignIn, "issuer">,
  page: "verify-email" | "reset-password" | "sign-in",
  link: string | undefined,
  continueWith: string | undefined,
): string => {
  const query = new URLSearchParams({
    ...(link === undefined ? {} : { link }),
    ...(continueWith === undefined ? {} : { request: continueWith }),
  }).toString();
  return `${issuer}/${page}${query === "" ? "" : `?${query}`}`;
};

/** Used, expired, ended, or never made: nobody is told which. */
export const linkExpired = (): Fault =>
  fault("link_expired", "the link has been used, or has expired; ask for a new one");

export const countLink = ({ limits }: Pick<SignIn, "limits">, request: Visit): Promise<Fault | undefined> =>
  limits.take("link.address", addressClass(request.address()));
