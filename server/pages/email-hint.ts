/** The address somebody has just typed, kept by their own browser from one page to the next: it stands in no URL, and so in no log. */
import { dropCookie, readCookie, setCookie } from "../platform/web/cookies.ts";
import type { WebRequest } from "../platform/web/request.ts";
import { readEmail } from "./problems.ts";

const name = "__Host-countersign-email";
const keptSeconds = 3600;

export const rememberEmail = (email: string): string =>
  setCookie(name, Buffer.from(email).toString("base64url"), { maxAgeSeconds: keptSeconds });

export const forgetEmail = dropCookie(name);

export const rememberedEmail = ({ headers }: Pick<WebRequest, "headers">): string | undefined =>
  readEmail(Buffer.from(readCookie(headers, name) ?? "", "base64url").toString());
