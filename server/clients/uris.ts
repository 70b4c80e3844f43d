/**
 * What may stand in a client's registration as an address. What is wrong is said in words that follow the field's name; undefined where
 * nothing is.
 */

const uriLengthMax = 1_000;

/** Where OAuth 2.1 §8.4.2 lets plain http be: an address of the machine itself, at any port. */
const loopbackHosts: readonly string[] = ["127.0.0.1", "[::1]", "localhost"];

/** Characters that a URI has (RFC 3986 §2), without those by which parsers disagree, and without the wildcard that people hope for. */
const plainText = /^[!-~]+$/;
const neverMeant = /[\\<>"`{}|^*]/;

const malformed = (uri: string): string | undefined => {
  if (uri.length > uriLengthMax) return `is longer than ${uriLengthMax} characters`;
  if (!plainText.test(uri) || neverMeant.test(uri) || !URL.canParse(uri))
    return "is no absolute URI, or has characters that none has; wildcards are not known";
  if (uri.includes("#")) return "has a fragment";
  const { username, password } = new URL(uri);
  return username === "" && password === "" && !/^[^?]*:\/\/[^/?]*@/.test(uri) ? undefined : "has credentials in it";
};

const isHttps = (uri: string): boolean => /^https:\/\/[^/?]/.test(uri);
const isLoopback = (uri: string): boolean =>
  /^http:\/\/[^/?]/.test(uri) && loopbackHosts.includes(new URL(uri).hostname);

/** RFC 8252 §7.1: a scheme that is its owner's domain name turned round. `javascript:`, `data:` and their like have no dot. */
export const isPrivateUse = (uri: string): boolean => /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:/.test(uri);

/** RFC 6749 §3.1.2, OAuth 2.1 §8.4, OIDC registration §2 `application_type`. */
export const redirectProblem = (uri: string, type: "web" | "native"): string | undefined => {
  const wrong = malformed(uri);
  if (wrong !== undefined || isHttps(uri) || isLoopback(uri)) return wrong;
  if (!isPrivateUse(uri))
    return "must begin with https://, or http:// and a loopback address, or a private-use scheme with a dot in it";
  return type === "native" ? undefined : "has a private-use scheme, which is for `application_type` `native`";
};

/** A page or an endpoint of the client's on the web. */
export const webProblem = (uri: string): string | undefined =>
  malformed(uri) ?? (isHttps(uri) || isLoopback(uri) ? undefined : "must begin with https://");
