/**
 * DPoP (RFC 9449): whoever presents a token, or asks for one, proves that it has the key the token is bound to.
 *
 * The checks stand in the order of §4.3. A proof is spent by the last of them, so that one which is refused for its nonce or its time
 * costs no write, and can be told apart from a replay.
 */
import {
  atResource,
  badProof,
  type Proof,
  proofAgedSecondsMax,
  proofAheadSecondsMax,
  wrongWithProof,
} from "../../../core/dpop/proof.ts";
import { isFault, type Result } from "../../../core/faults.ts";
import { hostTenant, type TenantId } from "../../../core/ids.ts";
import type { Platform } from "../../platform/platform.ts";
import type { WebRequest } from "../../platform/web/request.ts";
import { digestOctets, digestOf } from "../../tokens/digest.ts";
import { isNonce, type NonceNeeds } from "./nonces.ts";
import { readProof } from "./read-proof.ts";
import { spendProof } from "./store.ts";

export type Proving = NonceNeeds & { readonly platform: Platform; readonly issuer: string };

/** The key whose possession was proven: its RFC 7638 thumbprint. */
export type Proven = { readonly jkt: string };

export type Expected = {
  /** At a resource: the token as it was presented, which `ath` must be the hash of. Faults are then 401s. */
  readonly accessToken?: string;
  /** The key it must be. A missing proof is then a fault too. */
  readonly expectedJkt?: string | null;
  /** Whether a request without a proof is refused (`dpop_bound_access_tokens`, RFC 9449 §5.2). */
  readonly required?: boolean;
  /** Where the proof is remembered: the token's tenant; the host where none is known yet. */
  readonly tenant?: TenantId;
};

/** What of a request a proof is about. */
export type ProvenRequest = Pick<WebRequest, "path" | "headers"> & { readonly method: string };

/** Undefined where the request carries no proof and needs none. Opens a transaction of its own: call it before yours. */
export const checkProof = async (
  needs: Proving,
  request: ProvenRequest,
  expected: Expected = {},
): Promise<Result<Proven | undefined>> => {
  const checked = await judge(needs, request, expected);
  return isFault(checked) && expected.accessToken !== undefined ? atResource(checked) : checked;
};

const judge = async (
  needs: Proving,
  request: ProvenRequest,
  expected: Expected,
): Promise<Result<Proven | undefined>> => {
  const bound = typeof expected.expectedJkt === "string" ? expected.expectedJkt : undefined;
  // node:http joins repeated headers by commas; an array would be as much of a repetition.
  const header: string | readonly string[] | undefined = request.headers["dpop"];
  if (header === undefined) {
    const needed = expected.required === true || bound !== undefined || expected.accessToken !== undefined;
    return needed ? badProof("there is none; send it in the `DPoP` header") : undefined;
  }
  const proof = await readProof(typeof header === "string" ? header : header.join(","));
  if (isFault(proof)) return proof;
  const wrong = wrongWithProof(proof, {
    method: request.method,
    uri: uriOf(needs.issuer, request),
    now: needs.platform.clock.now() / 1000,
    isNonce: (given) => isNonce(needs, given),
    ...(expected.accessToken === undefined ? {} : { ath: digestOf(expected.accessToken) }),
  });
  if (wrong !== undefined) return wrong;
  if (bound !== undefined && bound !== proof.jkt) return badProof("it is signed with another key than the one bound");
  const spent = await spend(needs, expected.tenant ?? hostTenant, proof);
  return spent ? { jkt: proof.jkt } : badProof("it was used before");
};

/** Our own name for where the request went, not the one a proxy has made of it. */
const uriOf = (issuer: string, { path }: ProvenRequest): string => new URL(issuer).origin + path;

/** Remembered for as long as it could be accepted, by what is signed: the path of a request can be written in many ways. */
const spend = (needs: Proving, tenant: TenantId, proof: Proof): Promise<boolean> => {
  const hash = digestOctets(digestOf(JSON.stringify([proof.jkt, proof.htu, proof.jti])));
  const expires = new Date((proof.iat + proofAgedSecondsMax + proofAheadSecondsMax) * 1000);
  return needs.platform.database.transaction(tenant, (tx) => spendProof(tx, hash, expires));
};
