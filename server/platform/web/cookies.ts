/** Cookies (RFC 6265bis). Every one of ours is `__Host-`, Secure, HttpOnly and SameSite, and bound to no domain. */
import type { IncomingHttpHeaders } from "node:http";

/** The value of a cookie; undefined where there is none, or where it came twice and nobody can say which is meant. */
export const readCookie = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const values = (headers.cookie ?? "")
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  return values.length === 1 ? values[0] : undefined;
};

type Kept = {
  /** Without it the cookie ends with the browser's session. */
  readonly maxAgeSeconds?: number;
  /** `Lax` unless said otherwise: a redirect from a client must find the session. */
  readonly sameSite?: "Lax" | "Strict";
};

/** A `Set-Cookie` header's value. `name` begins with `__Host-`; the value needs no quoting. */
export const setCookie = (
  name: `__Host-${string}`,
  value: string,
  { maxAgeSeconds, sameSite = "Lax" }: Kept = {},
): string =>
  `${name}=${value}; Path=/; Secure; HttpOnly; SameSite=${sameSite}${maxAgeSeconds === undefined ? "" : `; Max-Age=${maxAgeSeconds}`}`;

export const dropCookie = (name: `__Host-${string}`): string => setCookie(name, "", { maxAgeSeconds: 0 });
