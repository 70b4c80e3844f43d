/**
 * A browser that somebody was signed in to an account with carries a cookie that says so, and has limits of its own: strangers who guess
 * at the account's password use up theirs, and not those of the human whose account it is.
 *
 * `id.mac.mac…`: the browser's number, and for each account an HMAC over both. It opens nothing, and names no account.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { randomOctets } from "../platform/random.ts";
import { readCookie, setCookie } from "../platform/web/cookies.ts";
import type { SignIn, Visit } from "./needs.ts";

const cookieName = "__Host-countersign-browser";
const idOctets = 16;
const idForm = /^[A-Za-z0-9_-]{22}$/;
const macOctets = 16;
const accountsMax = 5;
const maxAgeSeconds = 400 * 24 * 3600;

type Needs = Pick<SignIn, "browserKey">;

const macOf = ({ browserKey }: Needs, id: string, email: string): string =>
  createHmac("sha256", browserKey)
    .update(`${id} ${email.toLowerCase()}`)
    .digest()
    .subarray(0, macOctets)
    .toString("base64url");

const read = ({ headers }: Pick<Visit, "headers">): { readonly id: string; readonly macs: readonly string[] } => {
  const [id = "", ...macs] = (readCookie(headers, cookieName) ?? "").split(".");
  return { id: idForm.test(id) ? id : "", macs: macs.slice(0, accountsMax) };
};

const equal = (one: string, other: string): boolean => {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
};

/** The browser's number, where it was signed in to the account of this address before. */
export const knownBrowser = (needs: Needs, request: Pick<Visit, "headers">, email: string): string | undefined => {
  const { id, macs } = read(request);
  if (id === "") return undefined;
  const wanted = macOf(needs, id, email);
  return macs.some((mac) => equal(mac, wanted)) ? id : undefined;
};

/** The cookie that makes the browser known to this account, the newest first. */
export const knownBrowserCookie = (needs: Needs, request: Pick<Visit, "headers">, email: string): string => {
  const before = read(request);
  const id = before.id === "" ? randomOctets(idOctets).toString("base64url") : before.id;
  const mac = macOf(needs, id, email);
  const macs = [mac, ...before.macs.filter((one) => one !== mac)].slice(0, accountsMax);
  return setCookie(cookieName, [id, ...macs].join("."), { maxAgeSeconds });
};
