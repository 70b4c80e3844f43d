/** The proof that came with a token under the DPoP scheme (RFC 9449 §4.3, §7.1). The token has been verified before: nobody without one makes us write. */
import { calculateJwkThumbprint, compactVerify, decodeProtectedHeader, importJWK } from "jose";
import {
  atResource,
  badProof,
  isProofShaped,
  misshapenProof,
  type Proof,
  proofAgedSecondsMax,
  proofAheadSecondsMax,
  readProofClaims,
  readProofHeader,
  wrongWithProof,
} from "../../core/dpop/proof.ts";
import { type Fault, fault, isFault, type Result } from "../../core/faults.ts";
import { digestOf, type Platform } from "../platform.ts";
import type { Nonces } from "./nonces.ts";
import type { ReplayStore } from "./replays.ts";

export type Proving = {
  readonly platform: Platform;
  readonly replays: ReplayStore;
  readonly nonces: Nonces | undefined;
  /** Where clients reach this service; without it no proof can be checked. */
  readonly base: string | undefined;
};

export type ProvenRequest = {
  readonly method: string;
  readonly path: string;
  /** Every `DPoP` header there is. */
  readonly proofs: readonly string[];
  readonly token: string;
  /** The key the token is bound to. */
  readonly jkt: string | null;
};

/** Undefined where possession was proven; else the fault, as a resource answers it. */
export const checkProof = async (needs: Proving, request: ProvenRequest): Promise<Fault | undefined> => {
  const judged = await judge(needs, request);
  return judged && atResource(judged);
};

const judge = async (needs: Proving, request: ProvenRequest): Promise<Fault | undefined> => {
  if (needs.base === undefined) return badProof("this service does not know its own URL, and takes bearer tokens only");
  const [text, ...others] = request.proofs;
  if (text === undefined) return badProof("there is none; send it in the `DPoP` header");
  const proof = others.length > 0 ? misshapenProof : await readProof(text);
  if (isFault(proof)) return proof;
  const uri = needs.base + request.path;
  const wrong = wrongWithProof(proof, {
    method: request.method,
    uri,
    now: needs.platform.now() / 1000,
    ath: digestOf(request.token),
    ...(needs.nonces === undefined ? {} : { isNonce: needs.nonces.isOne }),
  });
  if (wrong !== undefined) return wrong;
  if (request.jkt === null || proof.jkt !== request.jkt)
    return fault("invalid_bound_token", "the token is not bound to the key that was proven");
  return spend(needs, proof);
};

const readProof = async (text: string): Promise<Result<Proof>> => {
  if (!isProofShaped(text)) return misshapenProof;
  try {
    const header = readProofHeader(decodeProtectedHeader(text));
    if (isFault(header)) return header;
    const key = await importJWK(header.jwk, header.alg);
    const { payload } = await compactVerify(text, key, { algorithms: [header.alg] });
    const claims = readProofClaims(JSON.parse(new TextDecoder().decode(payload)) as Record<string, unknown> | null);
    return isFault(claims) ? claims : { ...claims, jkt: await calculateJwkThumbprint(header.jwk, "sha256") };
  } catch {
    return badProof("it is malformed, or its signature is wrong");
  }
};

const spend = async ({ replays, platform }: Proving, proof: Proof): Promise<Fault | undefined> => {
  // `iat` may have a fraction (RFC 7519 §2), which a store that counts in milliseconds has no word for.
  const expiresAt = Math.ceil((proof.iat + proofAgedSecondsMax + proofAheadSecondsMax) * 1000);
  try {
    const spent: unknown = await replays.spend(digestOf(JSON.stringify([proof.jkt, proof.jti])), expiresAt);
    return spent === true ? undefined : badProof("it was used before");
  } catch (error) {
    platform.report("whether a DPoP proof was used before could not be told", error);
    return fault("unavailable", "the proof cannot be checked now", { retryAfterSeconds: 1 });
  }
};
