/** What a request presents (RFC 6750 §2.1, RFC 9449 §7.1): one token, in one `Authorization` header, and in no other place. */
import { fault, type Result } from "../core/faults.ts";

export type PresentedToken = { readonly scheme: "bearer" | "dpop"; readonly token: string };

const nothing = fault("unauthenticated", "send an access token as `Authorization: Bearer …`");
const twice = fault("invalid_argument", "send one token, in one `Authorization` header");
const inQuery = fault("invalid_argument", "a token in the URL is not accepted; send it in the `Authorization` header");
const malformed = fault("invalid_argument", "the `Authorization` header is malformed");

const credentials = /^(bearer|dpop) +([A-Za-z0-9._~+/-]+=*)$/i;

/** `authorization` are all headers of that name; a proxy or a framework may have joined several by commas. */
export const readPresented = (authorization: readonly string[], query: URLSearchParams): Result<PresentedToken> => {
  // Whoever has read the URL has read the token: logs, histories, other sites. It is refused even where it would not be needed.
  if (query.has("access_token")) return inQuery;
  const [text, ...others] = authorization;
  if (text === undefined) return nothing;
  if (others.length > 0 || text.includes(",")) return twice;
  if (!/^(?:bearer|dpop)(?: |$)/i.test(text)) return nothing;
  const [, scheme = "", token = ""] = credentials.exec(text.trim()) ?? [];
  return token === "" ? malformed : { scheme: scheme.toLowerCase() === "dpop" ? "dpop" : "bearer", token };
};
