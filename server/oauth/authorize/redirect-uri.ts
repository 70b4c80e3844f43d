/**
 * Where a client's answers may go. Compared as text, to the octet (OAuth 2.1 §2.3.1): whatever is cleverer than that has been a hole in
 * somebody's server. The port of a loopback address is the exception (RFC 8252 §7.3), since an app takes whichever is free.
 */
import { fault, type Result } from "../../../core/faults.ts";
import type { Client } from "../../clients/model.ts";
import type { Form } from "../protocol.ts";
import { parameter } from "../protocol.ts";
import { isFault } from "../../../core/faults.ts";

const uriLengthMax = 2_000;

/** The host ends where the path or query begins: `http://127.0.0.1:80@evil.example` is no loopback address. */
const loopback = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(?::\d{1,5})?(?=[/?]|$)/;

const withoutPort = (uri: string): string | undefined =>
  loopback.test(uri) ? uri.replace(loopback, "http://$1") : undefined;

export const isRegisteredRedirect = (registered: readonly string[], uri: string): boolean => {
  if (uri.length > uriLengthMax) return false;
  if (registered.includes(uri)) return true;
  const bare = withoutPort(uri);
  return bare !== undefined && registered.some((one) => withoutPort(one) === bare);
};

/** Faults are for a page of ours: nothing can be sent to an address that is not the client's. */
export const readRedirectUri = (
  client: Client,
  form: Form,
): Result<{ readonly uri: string; readonly given: boolean }> => {
  const registered = client.metadata.redirect_uris;
  const asked = parameter(form, "redirect_uri");
  if (isFault(asked)) return asked;
  if (asked.value === undefined) {
    const [only] = registered;
    return only !== undefined && registered.length === 1
      ? { uri: only, given: false }
      : fault("invalid_argument", "the parameter `redirect_uri` is missing");
  }
  return isRegisteredRedirect(registered, asked.value)
    ? { uri: asked.value, given: true }
    : fault("invalid_argument", `the redirect URI \`${asked.value.slice(0, 200)}\` is not registered for this client`);
};
