/**
 * Access tokens as JWTs (RFC 9068), signed with ES256.
 *
 * Verification trusts nothing the token says about how to verify it: the algorithm is fixed, the key is one of ours by `kid`, and a
 * header with anything else in it is refused (RFC 8725 §3.1, §3.10). node:crypto's synchronous calls are used because they measure
 * better than WebCrypto's for messages this short (docs/performance.md).
 */
import { sign, verify } from "node:crypto";
import { isUuid, type PrincipalId, parseRef, principalKindOf, type TenantId } from "../../core/ids.ts";
import type { Principal } from "../authority/caller.ts";
import type { SigningKey, SigningKeys } from "./signing-keys.ts";

/** RFC 9068 §2.2, with the tenant the token is bound to. Times are NumericDates: seconds. */
export type AccessTokenClaims = {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string | readonly string[];
  readonly client_id: string;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
  readonly scope: string;
  readonly tenant_id: string;
};

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** The encoded header changes only with the key. */
const headers = new WeakMap<SigningKey, string>();
const headerOf = (key: SigningKey): string => {
  let header = headers.get(key);
  if (header === undefined) {
    header = encode({ alg: key.alg, typ: "at+jwt", kid: key.kid });
    headers.set(key, header);
  }
  return header;
};

export const signAccessToken = (key: SigningKey, claims: AccessTokenClaims): string => {
  const input = `${headerOf(key)}.${encode(claims)}`;
  const signature = sign("sha256", Buffer.from(input), { key: key.privateKey, dsaEncoding: "ieee-p1363" });
  return `${input}.${signature.toString("base64url")}`;
};

/** A JWT's parts, read and not yet believed. */
export type ReadJwt = {
  readonly text: string;
  readonly kid: string;
  readonly claims: AccessTokenClaims;
  readonly tenant: TenantId;
  readonly principal: Principal;
};

const tokenLengthMax = 4096;
const shape = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}$/;

const parse = (part: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
};

/** Only what `signAccessToken` writes: exactly these three members. */
const readKid = (header: Readonly<Record<string, unknown>> | undefined): string | undefined =>
  header !== undefined &&
  Object.keys(header).length === 3 &&
  header.alg === "ES256" &&
  header.typ === "at+jwt" &&
  typeof header.kid === "string"
    ? header.kid
    : undefined;

const isTime = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isAudience = (value: unknown): boolean =>
  typeof value === "string" || (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string"));

const wellFormed = (claims: Readonly<Record<string, unknown>>): boolean =>
  typeof claims.iss === "string" &&
  typeof claims.sub === "string" &&
  typeof claims.client_id === "string" &&
  typeof claims.scope === "string" &&
  typeof claims.tenant_id === "string" &&
  typeof claims.jti === "string" &&
  isTime(claims.iat) &&
  isTime(claims.exp) &&
  isAudience(claims.aud) &&
  isUuid(claims.tenant_id) &&
  isUuid(claims.jti);

/** Reads a compact JWT as one of our access tokens without verifying it; undefined for anything else. */
export const readJwt = (text: string): ReadJwt | undefined => {
  if (text.length > tokenLengthMax || !shape.test(text)) return undefined;
  const dot = text.indexOf(".");
  const kid = readKid(parse(text.slice(0, dot)));
  const claims = parse(text.slice(dot + 1, text.lastIndexOf(".")));
  if (kid === undefined || claims === undefined || !wellFormed(claims)) return undefined;
  const known = claims as AccessTokenClaims;
  const ref = parseRef(known.sub);
  const kind = ref && principalKindOf(ref.collection);
  if (ref === undefined || kind === undefined) return undefined;
  return { text, kid, claims: known, tenant: known.tenant_id as TenantId, principal: { kind, id: ref.id as PrincipalId } };
};

/** Whether a key of ours signed it for this issuer and it has not expired. `now` in ms. */
export const verifyJwt = async (keys: SigningKeys, issuer: string, jwt: ReadJwt, now: number): Promise<boolean> => {
  if (jwt.claims.iss !== issuer || jwt.claims.exp * 1000 <= now) return false;
  const key = keys.find(jwt.kid) ?? (await keys.findFresh(jwt.kid));
  if (key === undefined) return false;
  const end = jwt.text.lastIndexOf(".");
  const signature = Buffer.from(jwt.text.slice(end + 1), "base64url");
  return verify("sha256", Buffer.from(jwt.text.slice(0, end)), { key: key.publicKey, dsaEncoding: "ieee-p1363" }, signature);
};
