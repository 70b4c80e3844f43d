/** A client's id and secret in an Authorization header, and what may stand in either. */

/** `*VSCHAR` (RFC 6749 appendix A.1 and A.2). Whatever else a text has in it names no client, and is not worth looking up. */
const visible = /^[ -~]+$/;

export const couldBeClientId = (text: string): boolean => visible.test(text);

export type Basic = { readonly clientId: string; readonly secret: string };

/**
 * What comes after `Basic ` (RFC 7617), where both halves were form-urlencoded before they were joined (RFC 6749 §2.3.1). Undefined for what
 * cannot be one; the secret may be empty.
 */
export const readBasic = (encoded: string): Basic | undefined => {
  const text = Buffer.from(encoded, "base64").toString();
  const colon = text.indexOf(":");
  const clientId = decode(text.slice(0, Math.max(colon, 0)));
  const secret = decode(text.slice(colon + 1));
  return clientId === undefined || secret === undefined || clientId === "" ? undefined : { clientId, secret };
};

const decode = (text: string): string | undefined => {
  try {
    const decoded = text.includes("%") || text.includes("+") ? decodeURIComponent(text.replaceAll("+", " ")) : text;
    return decoded === "" || visible.test(decoded) ? decoded : undefined;
  } catch {
    return undefined;
  }
};
