/**
 * What makes a DPoP proof one (RFC 9449 §4.2, §4.3), apart from its signature: rules over what stands in it, for whoever has decoded and
 * verified it. The authorization server and the SDK hold a proof to the same ones.
 */
import { type Fault, fault, type Result } from "../faults.ts";
import { isSameUri } from "./same-uri.ts";

/** What proofs may be signed with, as the metadata says it. RFC 7518's PKCS#1 signatures are left out on purpose. */
export const proofAlgorithms = ["ES256", "ES384", "PS256", "EdDSA", "Ed25519"] as const;

/** The kind of key each of them is for; the key is the sender's own, so it is held to the algorithm it names. */
const keyKinds: Readonly<Record<string, { readonly kty: string; readonly crv?: string }>> = {
  ES256: { kty: "EC", crv: "P-256" },
  ES384: { kty: "EC", crv: "P-384" },
  PS256: { kty: "RSA" },
  EdDSA: { kty: "OKP", crv: "Ed25519" },
  Ed25519: { kty: "OKP", crv: "Ed25519" },
};

/** Members that only a private or a symmetric key has (RFC 7518 §6). */
const secretMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
const proofLengthMax = 4_096;
const jtiLengthMax = 200;
const shape = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** How old a proof may be, and how far ahead of us the clock of its maker, in seconds. */
export const proofAgedSecondsMax = 60;
export const proofAheadSecondsMax = 10;

export type Proof = {
  /** RFC 7638, SHA-256. */
  readonly jkt: string;
  readonly jti: string;
  readonly htm: string;
  readonly htu: string;
  /** Seconds. */
  readonly iat: number;
  readonly nonce: unknown;
  readonly ath: unknown;
};

export const badProof = (why: string): Fault => fault("invalid_dpop_proof", `the DPoP proof is not accepted: ${why}`);

/** Whether the text can be a proof at all. Several headers come joined by commas, which no proof has. */
export const isProofShaped = (text: string): boolean => text.length <= proofLengthMax && shape.test(text);
export const misshapenProof = badProof("there must be one `DPoP` header, and in it one signed JWT");

/** The key a decoded header names, if the header is one of a proof. */
export const readProofHeader = <Jwk extends object>(header: {
  readonly typ?: string;
  readonly alg?: string;
  readonly jwk?: Jwk;
}): Result<{ readonly alg: string; readonly jwk: Jwk }> => {
  const { typ, alg, jwk } = header;
  if (typ !== "dpop+jwt") return badProof("`typ` must be `dpop+jwt`");
  const kind = typeof alg === "string" && Object.hasOwn(keyKinds, alg) ? keyKinds[alg] : undefined;
  if (alg === undefined || kind === undefined) return badProof(`\`alg\` must be one of ${proofAlgorithms.join(", ")}`);
  if (typeof jwk !== "object" || jwk === null) return badProof("the header has no `jwk`");
  if (secretMembers.some((member) => Object.hasOwn(jwk, member))) return badProof("`jwk` has private members");
  const { kty, crv } = jwk as { readonly kty?: unknown; readonly crv?: unknown };
  if (kty !== kind.kty || (kind.crv !== undefined && crv !== kind.crv))
    return badProof("`jwk` is no key for its `alg`");
  return { alg, jwk };
};

/** The claims of a proof whose signature is right. */
export const readProofClaims = (claims: Readonly<Record<string, unknown>> | null): Result<Omit<Proof, "jkt">> => {
  const { jti, htm, htu, iat, nonce, ath } = claims ?? {};
  if (typeof jti !== "string" || jti === "" || jti.length > jtiLengthMax)
    return badProof(`\`jti\` must have 1 to ${jtiLengthMax} characters`);
  if (typeof htm !== "string" || typeof htu !== "string") return badProof("`htm` and `htu` must be there");
  if (typeof iat !== "number" || !Number.isFinite(iat)) return badProof("`iat` must be a number");
  return { jti, htm, htu, iat, nonce, ath };
};

/** What a proof is judged by. */
export type ProvenUse = {
  /** Of the request it came with. */
  readonly method: string;
  /** Where the request went, by the server's own name for it and not a proxy's. */
  readonly uri: string;
  /** Seconds since the epoch. */
  readonly now: number;
  /** Whether a nonce is one of the server's; absent where none is asked for. */
  readonly isNonce?: (given: unknown) => boolean;
  /** Where a token is used: the SHA-256 of its text, base64url. */
  readonly ath?: string;
};

/** What is wrong with a proof for this request, in the order of §4.3; that it was not used before is for a store to say. */
export const wrongWithProof = (proof: Proof, { method, uri, now, isNonce, ath }: ProvenUse): Fault | undefined => {
  if (proof.htm !== method) return badProof(`\`htm\` must be \`${method}\``);
  if (!isSameUri(proof.htu, uri)) return badProof(`\`htu\` must be \`${uri}\``);
  if (isNonce !== undefined && !isNonce(proof.nonce))
    return fault("use_dpop_nonce", "put the nonce of the `DPoP-Nonce` header into the DPoP proof");
  const age = now - proof.iat;
  if (age > proofAgedSecondsMax || age < -proofAheadSecondsMax) return badProof("`iat` is too far from now");
  if (ath !== undefined && proof.ath !== ath) return badProof("`ath` is not the hash of the access token");
  return undefined;
};

/** §7.1: where a token is used, a bad proof is a failed authentication. */
export const atResource = (failure: Fault): Fault =>
  failure.fault === "use_dpop_nonce"
    ? { ...failure, fault: "unproven_token_nonce" }
    : failure.fault === "invalid_dpop_proof"
      ? { ...failure, fault: "unproven_token" }
      : failure;
