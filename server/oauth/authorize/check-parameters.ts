/**
 * Judges the parameters of an authorization request, each by a check of its own name, in this order. What the client is and where answers
 * go is certain by then (read-place.ts), so every fault is told to the client.
 */
import { type Fault, fault, isFault, type Result } from "../../../core/faults.ts";
import { hostTenant, parseRef, type TenantId } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import type { Client } from "../../clients/model.ts";
import type { SigningKeys } from "../../tokens/signing-keys.ts";
import { readDetails } from "../authorization-details.ts";
import type { Form } from "../protocol.ts";
import { readResources } from "../resources.ts";
import { demandedSubject, readClaims } from "./claims-parameter.ts";
import { readIdTokenHint } from "./id-token-hint.ts";
import { type AuthorizationRequest, type Prompt, prompts, responseModes } from "./model.ts";
import { readScope } from "./scope.ts";
import { idOfSubject } from "./subject.ts";

export type CheckNeeds = { readonly model: Model; readonly keys: SigningKeys; readonly issuer: string };

/** One request's parameters, none of which came twice, and an empty one counts as absent. */
export type Asked = {
  readonly needs: CheckNeeds;
  readonly client: Client;
  readonly form: Form;
  readonly get: (name: string) => string | undefined;
};

/** By the field of the request that it makes; a field without a check does not compile. */
type Checks = {
  readonly [Field in keyof AuthorizationRequest]: (
    asked: Asked,
  ) => Result<AuthorizationRequest[Field]> | Promise<Result<AuthorizationRequest[Field]>>;
};

const invalid = (detail: string): Fault => fault("invalid_argument", detail);
const isOneOf = <T extends string>(known: readonly T[], text: string): text is T =>
  (known as readonly string[]).includes(text);
const words = (text: string | undefined): readonly string[] => (text ?? "").split(" ").filter((word) => word !== "");

const nonceLengthMax = 500;
const hintLengthMax = 320;
const wordsMax = 20;
const maxAgeMax = 10 * 365 * 24 * 3600;

const checks: Checks = {
  /** OAuth 2.0 Multiple Response Types §2.1, OAuth 2.0 Form Post Response Mode. */
  responseMode: ({ get }) => {
    const mode = get("response_mode") ?? "query";
    return isOneOf(responseModes, mode)
      ? mode
      : invalid(`\`response_mode\` must be one of ${responseModes.join(", ")}`);
  },

  /** RFC 6749 §3.1.1; OAuth 2.1 has dropped every type but this one. */
  responseType: ({ client, get }) => {
    const type = get("response_type");
    if (type === undefined) return invalid("the parameter `response_type` is missing");
    if (type !== "code") return fault("unsupported_response_type", "`response_type` must be `code`");
    return client.metadata.grant_types.includes("authorization_code")
      ? type
      : fault("unauthorized_client", "the client is not registered for the authorization code grant");
  },

  /** Without a scope, details alone may be asked for (RFC 9396 §2). */
  scopes: ({ needs, client, get }) => {
    const text = get("scope");
    return text === undefined && get("authorization_details") !== undefined ? [] : readScope(needs.model, client, text);
  },

  /** RFC 7636 §4.2, §4.4.1: S256 alone, and required of every client that is not registered exempt. */
  codeChallenge: ({ client, get }) => {
    const challenge = get("code_challenge");
    const method = get("code_challenge_method");
    if (challenge === undefined) {
      if (method !== undefined) return invalid("`code_challenge_method` came without a `code_challenge`");
      const exempt = !client.metadata.require_pkce && client.metadata.token_endpoint_auth_method !== "none";
      return exempt ? null : invalid("the parameter `code_challenge` is missing (RFC 7636)");
    }
    if (method !== "S256") return invalid("`code_challenge_method` must be `S256`");
    return /^[A-Za-z0-9._~-]{43,128}$/.test(challenge)
      ? challenge
      : invalid("`code_challenge` must be 43 to 128 unreserved characters");
  },

  nonce: ({ get }) => {
    const nonce = get("nonce") ?? null;
    return nonce === null || nonce.length <= nonceLengthMax
      ? nonce
      : invalid(`\`nonce\` is longer than ${nonceLengthMax} characters`);
  },

  /** OIDC Core §3.1.2.1: `none` stands alone. */
  prompt: ({ get }) => {
    const wanted: Prompt[] = [];
    for (const word of new Set(words(get("prompt")))) {
      if (!isOneOf(prompts, word)) return invalid(`\`prompt\` may name ${prompts.join(", ")}`);
      wanted.push(word);
    }
    return wanted.includes("none") && wanted.length > 1
      ? invalid("`prompt=none` allows no other value beside it")
      : wanted;
  },

  maxAge: ({ client, get }) => {
    const text = get("max_age");
    if (text === undefined) return client.metadata.default_max_age;
    return /^\d{1,9}$/.test(text) && Number(text) <= maxAgeMax
      ? Number(text)
      : invalid("`max_age` must be a number of seconds");
  },

  acrValues: ({ client, get }) => {
    const given = words(get("acr_values"));
    if (given.length > wordsMax) return invalid("`acr_values` names too many classes");
    return given.length === 0 ? client.metadata.default_acr_values : given;
  },

  claims: ({ get }) => {
    const claims = readClaims(get("claims"));
    if (isFault(claims)) return claims;
    const subject = demandedSubject(claims);
    return subject !== undefined && idOfSubject(subject) === undefined
      ? invalid("the `sub` that `claims` asks for is no subject of this server")
      : claims;
  },

  loginHint: ({ get }) => {
    const hint = get("login_hint") ?? null;
    return hint === null || hint.length <= hintLengthMax
      ? hint
      : invalid(`\`login_hint\` is longer than ${hintLengthMax} characters`);
  },

  hintedUser: ({ needs, client, get }) => {
    const hint = get("id_token_hint");
    if (hint !== undefined) return readIdTokenHint(needs, client.clientId, hint);
    const claims = readClaims(get("claims"));
    return (isFault(claims) ? undefined : idOfSubject(demandedSubject(claims))) ?? null;
  },

  /** A wish: tags that mean nothing to us are no error (OIDC Core §3.1.2.1). */
  uiLocales: ({ get }) =>
    words(get("ui_locales"))
      .filter((tag) => /^[A-Za-z0-9-]{1,35}$/.test(tag))
      .slice(0, wordsMax),

  audience: ({ form }) => readResources(form),

  details: ({ client, get }) => readDetails(get("authorization_details"), client),

  /** RFC 9449 §10: a SHA-256 thumbprint. */
  dpopJkt: ({ get }) => {
    const jkt = get("dpop_jkt") ?? null;
    return jkt === null || /^[A-Za-z0-9_-]{43}$/.test(jkt)
      ? jkt
      : invalid("`dpop_jkt` must be the SHA-256 thumbprint of a key (RFC 9449 §10)");
  },

  /** Ours: the tenant the token shall be for. A tenant's own client is for that tenant alone. */
  tenant: ({ needs, client, get }) => {
    const text = get("tenant");
    if (text === undefined) return null;
    const tenant = tenantNamed(needs.model, text);
    if (tenant === undefined) return invalid("`tenant` must be the ref of a tenant, such as `organizations/{uuid}`");
    return client.tenant === hostTenant || client.tenant === tenant
      ? tenant
      : invalid("the client cannot be used for the tenant that `tenant` names");
  },
};

const tenantNamed = (model: Model, text: string): TenantId | undefined => {
  if (text === "host") return hostTenant;
  const ref = parseRef(text);
  return ref !== undefined && model.collections.get(ref.collection)?.root === true ? (ref.id as TenantId) : undefined;
};

const textLengthMax = 10_000;
const unstorable = /\\u(0000|d[89a-f]..)/i;

const isText = (value: Form[string]): boolean =>
  [value ?? ""].flat().every((text) => text.length <= textLengthMax && text.isWellFormed() && !text.includes("\0"));

export const checkParameters = async (
  needs: CheckNeeds,
  client: Client,
  form: Form,
): Promise<Result<AuthorizationRequest>> => {
  const get = (name: string): string | undefined => {
    const value = form[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const asked: Asked = { needs, client, form, get };
  const wrong = Object.keys(form).find((name) => !isText(form[name]));
  if (wrong !== undefined)
    return invalid(`\`${wrong}\` is longer than ${textLengthMax} characters, or has some that are no text`);
  const request: Partial<Record<keyof AuthorizationRequest, unknown>> = {};
  for (const field of Object.keys(checks) as (keyof AuthorizationRequest)[]) {
    const made = await checks[field](asked);
    if (isFault(made)) return made;
    request[field] = made;
  }
  // What JSON can escape, and no database keeps.
  return unstorable.test(JSON.stringify(request))
    ? invalid("the JSON in a parameter has characters that are no text")
    : (request as AuthorizationRequest);
};
