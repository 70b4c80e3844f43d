/** The text of a DPoP proof, believed as far as its own signature goes (RFC 9449 §4.2, §4.3 checks 1 to 7). */
import { type Fault, fault, isFault, type Result } from "../../../core/faults.ts";
import { calculateJwkThumbprint, compactVerify, decodeProtectedHeader, importJWK, type JWK } from "jose";

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

/** The key, if the header is one of a proof. */
const readHeader = (text: string): Result<{ readonly alg: string; readonly jwk: JWK }> => {
  const { typ, alg, jwk } = decodeProtectedHeader(text);
  if (typ !== "dpop+jwt") return badProof("`typ` must be `dpop+jwt`");
  const kind = typeof alg === "string" && Object.hasOwn(keyKinds, alg) ? keyKinds[alg] : undefined;
  if (alg === undefined || kind === undefined) return badProof(`\`alg\` must be one of ${proofAlgorithms.join(", ")}`);
  if (typeof jwk !== "object" || jwk === null) return badProof("the header has no `jwk`");
  if (secretMembers.some((member) => Object.hasOwn(jwk, member))) return badProof("`jwk` has private members");
  if (jwk.kty !== kind.kty || (kind.crv !== undefined && jwk.crv !== kind.crv))
    return badProof("`jwk` is no key for its `alg`");
  return { alg, jwk };
};

/** The proof in a `DPoP` header's value. Several headers come joined by commas, which no proof has. */
export const readProof = async (text: string): Promise<Result<Proof>> => {
  if (text.length > proofLengthMax || !shape.test(text))
    return badProof("there must be one `DPoP` header, and in it one signed JWT");
  try {
    const header = readHeader(text);
    if (isFault(header)) return header;
    const { alg, jwk } = header;
    const key = await importJWK(jwk, alg);
    const { payload } = await compactVerify(text, key, { algorithms: [alg] });
    const claims = readClaims(JSON.parse(Buffer.from(payload).toString()));
    return isFault(claims) ? claims : { ...claims, jkt: await calculateJwkThumbprint(jwk, "sha256") };
  } catch {
    return badProof("it is malformed, or its signature is wrong");
  }
};

const readClaims = (claims: Readonly<Record<string, unknown>> | null): Result<Omit<Proof, "jkt">> => {
  const { jti, htm, htu, iat, nonce, ath } = claims ?? {};
  if (typeof jti !== "string" || jti === "" || jti.length > jtiLengthMax)
    return badProof(`\`jti\` must have 1 to ${jtiLengthMax} characters`);
  if (typeof htm !== "string" || typeof htu !== "string") return badProof("`htm` and `htu` must be there");
  if (typeof iat !== "number" || !Number.isFinite(iat)) return badProof("`iat` must be a number");
  return { jti, htm, htu, iat, nonce, ath };
};
