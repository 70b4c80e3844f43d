/**
 * JWTs other than access tokens: ID tokens and logout tokens, signed with whichever algorithm their client is registered for
 * (RFC 7518 §3, RFC 8037 §3.1). RSA signatures are made on libuv's threads, since one of them costs as much as twenty of the others.
 */
import { constants, type KeyObject, sign, verify } from "node:crypto";
import { promisify } from "node:util";
import type { SigningAlg, SigningKey, SigningKeys } from "./signing-keys.ts";

type Keyed = { readonly key: KeyObject; readonly padding?: number; readonly saltLength?: number };

/** How node:crypto is told each algorithm: the digest, and what goes with the key. */
const algorithms = {
  RS256: { digest: "sha256", with: { padding: constants.RSA_PKCS1_PADDING } },
  PS256: {
    digest: "sha256",
    with: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
  },
  ES256: { digest: "sha256", with: { dsaEncoding: "ieee-p1363" } },
  EdDSA: { digest: null, with: {} },
} as const satisfies Record<SigningAlg, { readonly digest: string | null; readonly with: object }>;

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

const signLater = promisify(
  (digest: string | null, data: Buffer, key: Keyed, done: (error: Error | null, signature: Buffer) => void) =>
    sign(digest, data, key, done),
);

/** `typ` is the header's: `JWT` for an ID token, `logout+jwt` for a logout token. */
export const signJwt = async (
  key: SigningKey,
  typ: string,
  claims: Readonly<Record<string, unknown>>,
): Promise<string> => {
  const { digest, with: options } = algorithms[key.alg];
  const input = `${encode({ alg: key.alg, typ, kid: key.kid })}.${encode(claims)}`;
  const keyed = { key: key.privateKey, ...options };
  const isRsa = key.alg === "RS256" || key.alg === "PS256";
  const signature = isRsa
    ? await signLater(digest, Buffer.from(input), keyed)
    : sign(digest, Buffer.from(input), keyed);
  return `${input}.${signature.toString("base64url")}`;
};

const textLengthMax = 8192;

const parse = (part: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
};

/**
 * The claims of a JWT that we signed with this `typ`, however long ago; undefined for anything else. The algorithm is the key's own, and a
 * header with anything more in it is refused (RFC 8725 §3.1, §3.10). Its times are the caller's to judge.
 */
export const readSignedJwt = async (
  keys: SigningKeys,
  typ: string,
  text: string,
): Promise<Readonly<Record<string, unknown>> | undefined> => {
  if (text.length > textLengthMax) return undefined;
  const parts = text.split(".");
  const [first = "", second = "", third = ""] = parts;
  if (parts.length !== 3 || parts.some((part) => !/^[A-Za-z0-9_-]+$/.test(part))) return undefined;
  const header = parse(first);
  if (header === undefined || Object.keys(header).length !== 3 || header.typ !== typ || typeof header.kid !== "string")
    return undefined;
  const key = await keys.findPast(header.kid);
  if (key === undefined || key.alg !== header.alg) return undefined;
  const { digest, with: options } = algorithms[key.alg];
  const signature = Buffer.from(third, "base64url");
  const signed = verify(digest, Buffer.from(`${first}.${second}`), { key: key.publicKey, ...options }, signature);
  return signed ? parse(second) : undefined;
};
