/**
 * The authorization endpoint (RFC 6749 §3.1, OIDC Core §3.1.2, RFC 9126): from a client's wish to a code.
 *
 *     asked ─→ checked ─┬→ stored (pushed, or waiting for a human) ─→ answered … ─┐
 *                       └────────────────────────────────────────────────────────┴→ judged ─┬→ a page, and here again
 *                                                                                           ├→ a code    → finished
 *                                                                                           └→ an error  → finished
 *
 * Every visit reads and judges the whole request anew (next-step.ts), from the session, the tenant's policy and what was answered so far.
 * A stored request yields one code at most: finishing it is one conditional update.
 */
import type { TenantId } from "../../../core/ids.ts";
import type { Client } from "../../clients/model.ts";
import type { Form } from "../../platform/web/request.ts";
import type { ClaimsRequest } from "../grants/model.ts";

/** `fragment` would put the answer where scripts of the page read it, and is not offered. */
export const responseModes = ["query", "form_post"] as const;
export type ResponseMode = (typeof responseModes)[number];

export const prompts = ["none", "login", "consent", "select_account"] as const;
export type Prompt = (typeof prompts)[number];

/** Where answers go, known to be the client's: from here on errors are the client's to hear. */
export type Place = {
  readonly redirectUri: string;
  /** Whether the request named it, so that the token request must (RFC 6749 §4.1.3). */
  readonly redirectUriGiven: boolean;
  readonly responseMode: ResponseMode;
  readonly state: string | null;
};

/** What the checks have made of the parameters: one field for each, in the order they are checked. */
export type AuthorizationRequest = {
  readonly responseMode: ResponseMode;
  readonly responseType: "code";
  readonly scopes: readonly string[];
  readonly codeChallenge: string | null;
  readonly nonce: string | null;
  readonly prompt: readonly Prompt[];
  /** Seconds. */
  readonly maxAge: number | null;
  readonly acrValues: readonly string[];
  readonly claims: ClaimsRequest | null;
  readonly loginHint: string | null;
  /** The user an ID token of ours named. */
  readonly hintedUser: string | null;
  readonly uiLocales: readonly string[];
  /** RFC 8707; empty for this server itself. */
  readonly audience: readonly string[];
  /** RFC 9396. */
  readonly details: readonly object[];
  readonly dpopJkt: string | null;
  readonly tenant: TenantId | null;
};

/** Parameters that mean something here. What else is sent is ignored (RFC 6749 §3.1), and never stored. */
export const parameterNames = [
  "client_id",
  "redirect_uri",
  "response_type",
  "response_mode",
  "state",
  "scope",
  "code_challenge",
  "code_challenge_method",
  "nonce",
  "prompt",
  "max_age",
  "acr_values",
  "claims",
  "login_hint",
  "id_token_hint",
  "ui_locales",
  "resource",
  "authorization_details",
  "dpop_jkt",
  "tenant",
] as const;

/** A request that waits, as it is stored in the client's tenant, with what the human has answered so far. */
export type StoredRequest = {
  readonly tenant: TenantId;
  readonly id: string;
  /** The text its hash was made of. */
  readonly handle: string;
  readonly application: string;
  readonly parameters: Form;
  /** The key a pushed request proved (RFC 9449 §10.1). */
  readonly dpopJkt: string | null;
  /** Ms since the epoch, as all times here. */
  readonly createTime: number;
  readonly expireTime: number;
  /** The session whose answers these are; another's are worth nothing. */
  readonly session: string | null;
  readonly bound: TenantId | null;
  readonly consentTime: number | null;
  /** What was agreed to. Empty without a `consentTime`: the human said no. */
  readonly scopes: readonly string[] | null;
};

/** A request that passed every check. */
export type CheckedRequest = {
  readonly client: Client;
  readonly place: Place;
  readonly request: AuthorizationRequest;
  /** As they count: out of the signed object or the stored request, where there is one. */
  readonly parameters: Form;
  readonly stored: StoredRequest | undefined;
};

/** A tenant to choose. */
export type HumanTenant = {
  readonly tenant: TenantId;
  readonly displayName: string;
  /** The root perimeter's type, as in the model. */
  readonly type: string;
  /** Ms since the epoch; null where no token was ever issued for it. */
  readonly lastUsed: number | null;
};

/** RFC 9126 §2.2: what a `request_uri` of ours begins with. */
export const requestUriPrefix = "urn:ietf:params:oauth:request_uri:";

/** A pushed request must be brought by a browser within this time; FAPI 2.0 §5.3.2.2 asks for less than 600. */
export const pushedTtlSeconds = 90;
/** A request may wait for its human this long, counted from when it began. */
export const waitingTtlSeconds = 3600;
/** OAuth 2.1 §4.1.2: codes are short-lived. */
export const codeTtlSeconds = 60;
