/** DPoP proofs by hand (RFC 9449 §4.2), out of none of the server's code: right ones, and wrong in any one thing. */
import { createHash, generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import { encoded, es256, type Fields } from "./jwt.ts";

export type ProofKey = { readonly key: KeyObject; readonly jwk: Fields; readonly jkt: string };

/** RFC 7638 §3: the thumbprint of an EC key. */
const thumbprint = ({ crv, kty, x, y }: Fields): string =>
  createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");

export const proofKey = (): ProofKey => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = publicKey.export({ format: "jwk" }) as Fields;
  return { key: privateKey, jwk, jkt: thumbprint(jwk) };
};

export const athOf = (token: string): string => createHash("sha256").update(token).digest("base64url");

export type ProofParts = {
  readonly header?: Fields;
  readonly claims?: Fields;
  /** What it is signed with, where that is another key than its own. */
  readonly signedWith?: KeyObject;
};

/** Members that are undefined are left out. */
export const proofOf = (own: ProofKey, htm: string, htu: string, parts: ProofParts = {}): string => {
  const header = { typ: "dpop+jwt", alg: "ES256", jwk: own.jwk, ...parts.header };
  const claims = { jti: randomUUID(), htm, htu, iat: Math.floor(Date.now() / 1000), ...parts.claims };
  const input = `${encoded(header)}.${encoded(claims)}`;
  return `${input}.${es256(input, parts.signedWith ?? own.key)}`;
};
