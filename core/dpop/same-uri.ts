/** Comparing a proof's `htu` with where the request went (RFC 9449 §4.3 check 9): without query and fragment, normalised by RFC 3986. */

const urlLengthMax = 2_000;
const unreserved = /[A-Za-z0-9._~-]/;

/** RFC 3986 §6.2.2: case, percent-encoding and dot segments; §6.2.3: the default port. Undefined for what is no http(s) URL. */
const normalised = (text: string): string | undefined => {
  if (text.length > urlLengthMax || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  if ((url.protocol !== "https:" && url.protocol !== "http:") || url.username !== "" || url.password !== "")
    return undefined;
  const path = url.pathname.replaceAll(/%[0-9a-f]{2}/gi, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return unreserved.test(character) ? character : escape.toUpperCase();
  });
  return url.origin + path;
};

export const isSameUri = (htu: string, asked: string): boolean => {
  const one = normalised(htu);
  return one !== undefined && one === normalised(asked);
};
