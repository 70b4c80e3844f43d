/**
 * How a no is said: an RFC 9457 problem, and a challenge that says how to come back (RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3), which points to
 * this resource's metadata (RFC 9728 §5.1).
 */
import type { Attributes } from "../core/decide/types.ts";
import { proofAlgorithms } from "../core/dpop/proof.ts";
import { type Fault, type FaultCode, faults } from "../core/faults.ts";

/** A fault, with what only a resource server has to say. */
export type Refusal = Fault & {
  /** The scopes a token would have to carry, for `insufficient_scope`. */
  readonly scopes?: readonly string[];
  /** RFC 9470, for `insufficient_user_authentication`: the classes that would do, best first. */
  readonly acrValues?: readonly string[];
  /** What has to happen before the answer is yes: `approval`, `human`. */
  readonly obligations?: readonly Attributes[];
  /** The rule behind a denial, as the decision point named it. */
  readonly rule?: string;
};

/** A whole response, for an adapter to send as it is. */
export type Refused = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export type Speaking = {
  /** Where the metadata of this resource is; undefined where it has none. */
  readonly metadataUrl: string | undefined;
  readonly nonce: (() => string) | undefined;
};

const typePrefix = "urn:countersign:problem:";

export const refused = (speaking: Speaking, refusal: Refusal): Refused => {
  const row = faults[refusal.fault];
  const challenge = challengeOf(speaking, refusal);
  return {
    status: row.status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...(challenge === undefined ? {} : { "www-authenticate": challenge }),
      ...(refusal.fault === "unproven_token_nonce" && speaking.nonce ? { "dpop-nonce": speaking.nonce() } : {}),
      ...(refusal.retryAfterSeconds === undefined ? {} : { "retry-after": String(refusal.retryAfterSeconds) }),
    },
    body: JSON.stringify({
      type: typePrefix + refusal.fault,
      title: row.title,
      status: row.status,
      detail: refusal.detail,
      code: refusal.fault,
      permission: refusal.permission,
      scopes: refusal.scopes,
      rule: refusal.rule,
      obligations: refusal.obligations,
    }),
  };
};

const realm = 'realm="countersign"';
const algs = `algs="${proofAlgorithms.join(" ")}"`;

type Parts = { readonly scheme: "Bearer" | "DPoP"; readonly error?: string; readonly more?: readonly string[] };

/** Faults with a challenge. RFC 6750 §3.1: where nothing was presented there is no error code. */
const challenges: Partial<Record<FaultCode, (refusal: Refusal) => Parts>> = {
  unauthenticated: () => ({ scheme: "Bearer" }),
  invalid_argument: () => ({ scheme: "Bearer", error: "invalid_request" }),
  invalid_token: () => ({ scheme: "Bearer", error: "invalid_token" }),
  insufficient_scope: ({ scopes = [] }) => ({
    scheme: "Bearer",
    error: "insufficient_scope",
    more: [`scope="${quoted(scopes.join(" "))}"`],
  }),
  insufficient_user_authentication: ({ acrValues = [], stepUp }) => ({
    scheme: "Bearer",
    error: "insufficient_user_authentication",
    more: [
      ...(acrValues.length === 0 ? [] : [`acr_values="${quoted(acrValues.join(" "))}"`]),
      ...(stepUp?.maxAgeSeconds === undefined ? [] : [`max_age="${stepUp.maxAgeSeconds}"`]),
    ],
  }),
  invalid_bound_token: () => ({ scheme: "DPoP", error: "invalid_token", more: [algs] }),
  unproven_token: () => ({ scheme: "DPoP", error: "invalid_dpop_proof", more: [algs] }),
  unproven_token_nonce: () => ({ scheme: "DPoP", error: "use_dpop_nonce", more: [algs] }),
};

const challengeOf = ({ metadataUrl }: Speaking, refusal: Refusal): string | undefined => {
  const parts = challenges[refusal.fault]?.(refusal);
  if (parts === undefined) return undefined;
  const { scheme, error, more = [] } = parts;
  const said = [
    `${scheme} ${realm}`,
    ...(error === undefined ? [] : [`error="${error}"`, `error_description="${quoted(refusal.detail)}"`]),
    ...more,
    ...(metadataUrl === undefined ? [] : [`resource_metadata="${metadataUrl}"`]),
  ].join(", ");
  return refusal.fault === "unauthenticated" ? `${said}, DPoP ${algs}` : said;
};

/** RFC 6750 §3: the characters a value may have between quotes. */
const quoted = (text: string): string => text.replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "'");
