/**
 * ID tokens (OIDC Core §2, §3.1.3.6) and what they and userinfo say of a human (§5.1, §5.4, §5.5). They tell a client who signed in, where
 * and how; they open nothing, and their `typ` is another than an access token's.
 */
import { hash } from "node:crypto";
import { type PrincipalId, principalRef } from "../../core/ids.ts";
import type { Client } from "../clients/model.ts";
import { seconds } from "../platform/clock.ts";
import { readSignedJwt, signJwt } from "../tokens/sign-jwt.ts";
import type { SigningAlg, SigningKeys } from "../tokens/signing-keys.ts";
import type { StoredHuman, StoredSpec } from "./grants/store.ts";

const idTokenTtlSeconds = 3600;
const idTokenType = "JWT";

/** §5.4: what each scope asks userinfo for. */
export const scopeClaims: Readonly<Record<string, readonly string[]>> = {
  profile: ["name", "locale", "updated_at"],
  email: ["email", "email_verified"],
};

/** Everything the two may say of a human. */
export const humanClaimNames: readonly string[] = Object.values(scopeClaims).flat();

/** The claims of these names, as far as they are known: an unknown one is left out, never empty (§5.3.2). */
export const humanClaims = (human: StoredHuman, names: Iterable<string>): Readonly<Record<string, unknown>> => {
  const known: Readonly<Record<string, unknown>> = {
    name: human.name,
    ...(human.locale === null ? {} : { locale: human.locale }),
    updated_at: human.updated,
    email: human.email,
    email_verified: human.email_verified,
  };
  const wanted = new Set(names);
  return Object.fromEntries(Object.entries(known).filter(([name]) => wanted.has(name)));
};

/** §3.1.3.6: the left half of the hash that the signature's algorithm uses (Ed25519: SHA-512). */
const halfHash = (alg: SigningAlg, text: string): string => {
  const octets = hash(alg === "EdDSA" ? "sha512" : "sha256", text, "buffer");
  return octets.subarray(0, octets.length / 2).toString("base64url");
};

export type IdTokenSubject = {
  readonly client: Client;
  readonly user: PrincipalId;
  readonly human: StoredHuman;
  readonly spec: StoredSpec;
  readonly accessToken: string;
  /** §12.2: a refreshed one carries no nonce. */
  readonly refreshed: boolean;
};

export const makeIdToken = async (
  needs: { readonly issuer: string; readonly keys: SigningKeys },
  subject: IdTokenSubject,
  now: number,
): Promise<string> => {
  const { client, spec } = subject;
  const alg = client.metadata.id_token_signed_response_alg;
  return signJwt(await needs.keys.signer(alg), idTokenType, {
    // What was asked for by name comes first: nothing a request says can stand in the place of what follows.
    ...humanClaims(subject.human, Object.keys(spec.claims?.id_token ?? {})),
    iss: needs.issuer,
    sub: principalRef("human", subject.user),
    aud: client.clientId,
    iat: seconds(now),
    exp: seconds(now) + idTokenTtlSeconds,
    auth_time: seconds(spec.auth_time),
    ...(spec.nonce === null || subject.refreshed ? {} : { nonce: spec.nonce }),
    acr: spec.acr,
    amr: spec.methods,
    ...(spec.session === null ? {} : { sid: spec.session }),
    at_hash: halfHash(alg, subject.accessToken),
    tenant_id: spec.bound,
  });
};

/** What an ID token handed back as a hint says. */
export type IdTokenHint = {
  readonly sub: string;
  readonly aud: string;
  readonly sid: string | undefined;
  /** Seconds since the epoch. */
  readonly exp: number;
};

/** An ID token of ours, expired or not (RP-Initiated Logout §2); undefined for anything else. */
export const readIdToken = async (
  needs: { readonly issuer: string; readonly keys: SigningKeys },
  text: string,
): Promise<IdTokenHint | undefined> => {
  const claims = await readSignedJwt(needs.keys, idTokenType, text);
  if (claims === undefined || claims.iss !== needs.issuer) return undefined;
  const { sub, aud, sid, exp } = claims;
  if (typeof sub !== "string" || typeof aud !== "string" || typeof exp !== "number") return undefined;
  return { sub, aud, sid: typeof sid === "string" ? sid : undefined, exp };
};
