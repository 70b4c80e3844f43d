/**
 * Access tokens as JWTs (RFC 9068), signed with ES256.
 *
 * Verification trusts nothing the token says about how to verify it: the algorithm is fixed, the key is one of ours by `kid`, and a
 * header with anything else in it is refused (RFC 8725 §3.1, §3.10). node:crypto's synchronous calls are used because they measure
 * better than WebCrypto's for messages this short (docs/performance.md).
 */
import { type SignKeyObjectInput, sign, verify } from "node:crypto";
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
  /** Of a human's token: what it came of, and falls with (`token_families`). */
  readonly family?: string;
  /** RFC 9068 §2.2.1: how and when the human signed in. */
  readonly acr?: string;
  readonly amr?: readonly string[];
  readonly auth_time?: number;
  /** RFC 9449 §6: the key that must prove possession. */
  readonly cnf?: { readonly jkt: string };
  /** RFC 9396 §9.1. */
  readonly authorization_details?: readonly object[];
  /** Always last: `routeJwt` looks for it there. */
  readonly tenant_id: string;
};

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** What signing with a key needs, made once: the encoded header, and the form node:crypto takes the key in. */
type Signing = { readonly header: string; readonly key: SignKeyObjectInput };
const signings = new WeakMap<SigningKey, Signing>();
const signingOf = (key: SigningKey): Signing => {
  const known = signings.get(key);
  if (known !== undefined) return known;
  const made: Signing = {
    header: encode({ alg: key.alg, typ: "at+jwt", kid: key.kid }),
    key: { key: key.privateKey, dsaEncoding: "ieee-p1363" },
  };
  signings.set(key, made);
  return made;
};

export const signAccessToken = (key: SigningKey, claims: AccessTokenClaims): string => {
  const signing = signingOf(key);
  const input = `${signing.header}.${encode(claims)}`;
  return `${input}.${sign("sha256", Buffer.from(input), signing.key).toString("base64url")}`;
};

/** A JWT that may be one of ours: where it says it lives, and its text. Nothing of it is believed yet. */
export type RoutedJwt = { readonly text: string; readonly tenant: TenantId; readonly principal: PrincipalId };

/** With everything a human may have agreed to in it (RFC 9396); a header holds no more. */
const tokenLengthMax = 12_288;
/** As `signAccessToken` writes them: the subject among the claims, and the tenant last. */
const subjectMark = '"sub":"';
const tenantMark = '"tenant_id":"';
const uuidLength = 36;

/**
 * Finds a JWT's tenant and principal without parsing it; undefined for what we cannot have issued. It runs for every request, and a
 * token that was verified before is known by the hash of its whole text. `verifyJwt` reads it properly, and holds it to what was found.
 */
export const routeJwt = (text: string): RoutedJwt | undefined => {
  if (text.length > tokenLengthMax) return undefined;
  const first = text.indexOf(".");
  const last = text.lastIndexOf(".");
  if (first < 1 || last <= first) return undefined;
  const claims = Buffer.from(text.slice(first + 1, last), "base64url").toString("latin1");
  const subject = claims.indexOf("/", claims.indexOf(subjectMark)) + 1;
  const tenantAt = claims.length - uuidLength - '"}'.length;
  if (subject === 0 || !claims.startsWith(tenantMark, tenantAt - tenantMark.length)) return undefined;
  const principal = claims.slice(subject, subject + uuidLength);
  const tenant = claims.slice(tenantAt, tenantAt + uuidLength);
  return isUuid(principal) && isUuid(tenant)
    ? { text, tenant: tenant as TenantId, principal: principal as PrincipalId }
    : undefined;
};

/** A JWT that has been verified. */
export type VerifiedJwt = { readonly claims: AccessTokenClaims; readonly principal: Principal };

const shape = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}$/;

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

/** Only what `signAccessToken` writes: exactly these three members, each once, so that no two readers read two keys (RFC 7515 §4). */
const readKid = (part: string): string | undefined => {
  const header = parse(part);
  return header !== undefined &&
    Object.keys(header).length === 3 &&
    header.alg === "ES256" &&
    header.typ === "at+jwt" &&
    typeof header.kid === "string" &&
    Buffer.from(JSON.stringify(header)).toString("base64url") === part
    ? header.kid
    : undefined;
};

const isTime = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isAudience = (value: unknown): boolean =>
  typeof value === "string" ||
  (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string"));

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

/** The claims as one of our access tokens has them; undefined for anything else. */
const readClaims = (text: string): VerifiedJwt | undefined => {
  const claims = shape.test(text) ? parse(text.slice(text.indexOf(".") + 1, text.lastIndexOf("."))) : undefined;
  if (claims === undefined || !wellFormed(claims)) return undefined;
  const known = claims as AccessTokenClaims;
  const ref = parseRef(known.sub);
  const kind = ref && principalKindOf(ref.collection);
  return ref === undefined || kind === undefined
    ? undefined
    : { claims: known, principal: { kind, id: ref.id as PrincipalId } };
};

/** The token, if a key of ours signed it for this issuer, it has not expired, and it lives where it was looked for. `now` in ms. */
export const verifyJwt = async (
  keys: SigningKeys,
  issuer: string,
  routed: RoutedJwt,
  now: number,
): Promise<VerifiedJwt | undefined> => {
  const { text } = routed;
  const read = readClaims(text);
  if (read === undefined || read.claims.tenant_id !== routed.tenant || read.principal.id !== routed.principal)
    return undefined;
  if (read.claims.iss !== issuer || read.claims.exp * 1000 <= now) return undefined;
  const kid = readKid(text.slice(0, text.indexOf(".")));
  const key = kid === undefined ? undefined : (keys.find(kid) ?? (await keys.findFresh(kid)));
  // A kid of ours that signs with another algorithm is another kind of key (RFC 8725 §3.1).
  if (key?.alg !== "ES256") return undefined;
  const end = text.lastIndexOf(".");
  const signature = Buffer.from(text.slice(end + 1), "base64url");
  const signed = verify(
    "sha256",
    Buffer.from(text.slice(0, end)),
    { key: key.publicKey, dsaEncoding: "ieee-p1363" },
    signature,
  );
  return signed ? read : undefined;
};
