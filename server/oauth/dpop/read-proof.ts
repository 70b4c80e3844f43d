/** The text of a DPoP proof, believed as far as its own signature goes (RFC 9449 §4.2, §4.3 checks 1 to 7). */
import { calculateJwkThumbprint, compactVerify, decodeProtectedHeader, importJWK } from "jose";
import {
  badProof,
  isProofShaped,
  misshapenProof,
  type Proof,
  readProofClaims,
  readProofHeader,
} from "../../../core/dpop/proof.ts";
import { isFault, type Result } from "../../../core/faults.ts";

/** The proof in a `DPoP` header's value. */
export const readProof = async (text: string): Promise<Result<Proof>> => {
  if (!isProofShaped(text)) return misshapenProof;
  try {
    const header = readProofHeader(decodeProtectedHeader(text));
    if (isFault(header)) return header;
    const { alg, jwk } = header;
    const key = await importJWK(jwk, alg);
    const { payload } = await compactVerify(text, key, { algorithms: [alg] });
    const claims = readProofClaims(JSON.parse(Buffer.from(payload).toString()));
    return isFault(claims) ? claims : { ...claims, jkt: await calculateJwkThumbprint(jwk, "sha256") };
  } catch {
    return badProof("it is malformed, or its signature is wrong");
  }
};
