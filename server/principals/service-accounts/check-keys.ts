/** What a client may register as its keys (RFC 7517): public ones, of kinds we verify, each with a name of its own. */
import { createPublicKey } from "node:crypto";
import type { JWK } from "jose";
import { fault, type Result } from "../../../core/faults.ts";

/** Members that only a private or a symmetric key has (RFC 7518 §6). */
const secretMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/** Algorithms by key kind; an assertion's `alg` must be one its key is for. Ed25519 has two names since RFC 9864. */
export const algorithmsOf = (key: JWK): readonly string[] =>
  key.kty === "EC" && key.crv === "P-256"
    ? ["ES256"]
    : key.kty === "RSA"
      ? ["PS256"]
      : key.kty === "OKP" && key.crv === "Ed25519"
        ? ["EdDSA", "Ed25519"]
        : [];

const modulusBitsMin = 2048;

const wrongWith = (key: JWK): string | undefined => {
  if (secretMembers.some((member) => member in key)) return "has private members; register the public key alone";
  if (typeof key.kid !== "string" || key.kid === "" || key.kid.length > 200)
    return "needs a `kid` of 1 to 200 characters";
  if (algorithmsOf(key).length === 0) return "is of a kind that is not accepted; use P-256, Ed25519 or RSA";
  try {
    const bits = createPublicKey({ key, format: "jwk" }).asymmetricKeyDetails?.modulusLength;
    return bits !== undefined && bits < modulusBitsMin
      ? `has ${bits} bits; RSA keys need ${modulusBitsMin}`
      : undefined;
  } catch {
    return "is no well-formed JWK";
  }
};

export const checkKeys = (set: { readonly keys: readonly object[] }): Result<{ readonly keys: readonly JWK[] }> => {
  const keys = set.keys as readonly JWK[];
  const errors = keys.flatMap((key, at) => {
    const message = wrongWith(key);
    return message === undefined ? [] : [{ path: `jwks.keys[${at}]`, message }];
  });
  if (new Set(keys.map((key) => key.kid)).size < keys.length)
    errors.push({ path: "jwks.keys", message: "two keys have the same `kid`" });
  const first = errors[0];
  return first === undefined ? { keys } : fault("invalid_argument", `\`${first.path}\` ${first.message}`, { errors });
};
