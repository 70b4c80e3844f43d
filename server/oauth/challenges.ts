/**
 * What a refusal says about coming back (`WWW-Authenticate`): RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3, and RFC 9728 §5.1's pointer to
 * the metadata of the resource, from which a client that knows nothing finds everything else.
 */
import { type Fault, type FaultCode, faults } from "../../core/faults.ts";
import { proofAlgorithms } from "../../core/dpop/proof.ts";
import { quoted } from "./quoted.ts";

/** The challenge's header; empty where the fault is none that has one. `metadata` is the URL of the resource's metadata. */
export const challengeHeaders = (failure: Fault, metadata: string | undefined): Readonly<Record<string, string>> => {
  const text = challengeOf(failure, metadata);
  return text === undefined ? {} : { "www-authenticate": text };
};

const algs = `algs="${proofAlgorithms.join(" ")}"`;

const refusedToken = (failure: Fault): string =>
  `DPoP realm="countersign", error="${oauthErrorOf(failure)}", error_description="${quoted(failure.detail)}", ${algs}`;

const oauthErrorOf = (failure: Fault): string => {
  const row: { readonly status: number; readonly oauth?: string } = faults[failure.fault];
  return row.oauth ?? "invalid_token";
};

const challenges: Partial<Record<FaultCode, (failure: Fault) => string>> = {
  unauthenticated: () => 'Bearer realm="countersign"',
  invalid_token: () => 'Bearer realm="countersign", error="invalid_token"',
  insufficient_scope: (failure) => `Bearer realm="countersign", error="insufficient_scope"${scopeOf(failure)}`,
  insufficient_user_authentication: (failure) =>
    `Bearer realm="countersign", error="insufficient_user_authentication", error_description="${quoted(failure.detail)}"${stepOf(failure)}`,
  invalid_bound_token: refusedToken,
  unproven_token: refusedToken,
  unproven_token_nonce: refusedToken,
};

const challengeOf = (failure: Fault, metadata: string | undefined): string | undefined => {
  const text = challenges[failure.fault]?.(failure);
  if (text === undefined) return undefined;
  const pointed = metadata === undefined ? text : `${text}, resource_metadata="${metadata}"`;
  // Where nothing was presented both schemes are offered, and there is no error code.
  return failure.fault === "unauthenticated" ? `${pointed}, DPoP ${algs}` : pointed;
};

const scopeOf = ({ permission }: Fault): string => (permission === undefined ? "" : `, scope="${permission}"`);

const stepOf = ({ stepUp }: Fault): string => {
  const acr = stepUp?.acr === undefined ? "" : `, acr_values="${stepUp.acr}"`;
  return stepUp?.maxAgeSeconds === undefined ? acr : `${acr}, max_age="${stepUp.maxAgeSeconds}"`;
};
