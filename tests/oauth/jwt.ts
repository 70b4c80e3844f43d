/** JWTs by hand, out of what the RFCs say and none of the server's code: for tests that sign what no server would. */
import { type KeyObject, sign } from "node:crypto";

export type Fields = Readonly<Record<string, unknown>>;

/** RFC 7515 §2: text as it is, anything else as its JSON. */
export const encoded = (value: unknown): string =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

export const decoded = (part: string): Fields => JSON.parse(Buffer.from(part, "base64url").toString()) as Fields;

/** A compact JWT's header and claims, unverified. */
export const partsOf = (token: string): { readonly header: Fields; readonly claims: Fields } => {
  const [header = "", claims = ""] = token.split(".");
  return { header: decoded(header), claims: decoded(claims) };
};

/** RFC 7518 §3.4: the signature over what is given, as base64url. */
export const es256 = (input: string, key: KeyObject): string =>
  sign("sha256", Buffer.from(input), { key, dsaEncoding: "ieee-p1363" }).toString("base64url");

export const signedJwt = (header: Fields, claims: Fields, key: KeyObject): string => {
  const input = `${encoded(header)}.${encoded(claims)}`;
  return `${input}.${es256(input, key)}`;
};
