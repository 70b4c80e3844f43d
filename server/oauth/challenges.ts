/**
 * What a refusal says about coming back (`WWW-Authenticate`): RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3, and RFC 9728 §5.1's pointer to
 * the metadata of the resource, from which a client that knows nothing finds everything else.
 */
import { type Fault, fault, faults } from "../../core/faults.ts";
import type { Acr } from "../sessions/model.ts";
import { proofAlgorithms } from "./dpop/read-proof.ts";
import { quoted } from "./quoted.ts";

/** The challenge's header; empty where the fault is none that has one. `metadata` is the URL of the resource's metadata. */
export const challengeHeaders = (failure: Fault, metadata: string | undefined): Readonly<Record<string, string>> => {
  const text = challengeOf(failure, metadata);
  return text === undefined ? {} : { "www-authenticate": text };
};

const algs = `algs="${proofAlgorithms.join(" ")}"`;

const challengeOf = (failure: Fault, metadata: string | undefined): string | undefined => {
  const pointer = metadata === undefined ? "" : `, resource_metadata="${metadata}"`;
  switch (failure.fault) {
    case "unauthenticated":
      // Both schemes, and no error code: nothing was presented.
      return `Bearer realm="countersign"${pointer}, DPoP ${algs}`;
    case "invalid_token":
      return `Bearer realm="countersign", error="invalid_token"${pointer}`;
    case "insufficient_scope":
      return `Bearer realm="countersign", error="insufficient_scope"${scopeOf(failure)}${pointer}`;
    case "insufficient_user_authentication":
      return `Bearer realm="countersign", error="insufficient_user_authentication", error_description="${quoted(failure.detail)}"${stepOf(failure)}${pointer}`;
    case "invalid_bound_token":
    case "unproven_token":
    case "unproven_token_nonce":
      return `DPoP realm="countersign", error="${faults[failure.fault].oauth}", error_description="${quoted(failure.detail)}", ${algs}${pointer}`;
    default:
      return undefined;
  }
};

const scopeOf = ({ permission }: Fault): string => (permission === undefined ? "" : `, scope="${permission}"`);

const stepOf = ({ stepUp }: Fault): string => {
  const acr = stepUp?.acr === undefined ? "" : `, acr_values="${stepUp.acr}"`;
  return stepUp?.maxAgeSeconds === undefined ? acr : `${acr}, max_age="${stepUp.maxAgeSeconds}"`;
};

/** RFC 9470 §3: the sign-in behind the token is too weak, or too long ago, for what is asked. */
export const stepUpChallenge = (acr: Acr | undefined, maxAgeSeconds: number | undefined): Fault =>
  fault("insufficient_user_authentication", "this needs a fresher or stronger sign-in", {
    stepUp: {
      ...(acr === undefined ? {} : { acr }),
      ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
    },
  });
