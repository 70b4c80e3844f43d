/**
 * What a client may register (RFC 7591 §2 and what extends it), checked, with every default filled in.
 *
 * An administrator who asks for what is not served is told so. A client that registers itself is given what it may have of what it asks
 * for, as RFC 7591 §2 lets the server do, since the same client registers at servers of all kinds; and it has no say in what is ours.
 */
import type { JWK } from "jose";
import Type from "typebox";
import { type FieldError, fault, isFault, type Result } from "../../core/faults.ts";
import type { TenantId } from "../../core/ids.ts";
import type { Model } from "../../core/model/model.ts";
import { expand } from "../../core/model/permissions.ts";
import { reachOf } from "../operations/patterns.ts";
import { validatorOf } from "../operations/validate.ts";
import { checkKeys } from "../principals/service-accounts/check-keys.ts";
import { accessTokenTtlSecondsDefault } from "../principals/service-accounts/model.ts";
import { grantTypes, metadataNames, optionalMetadata } from "./fields.ts";
import type { Application, ClientMetadata } from "./model.ts";
import { isPrivateUse, redirectProblem, webProblem } from "./uris.ts";

export type MetadataContext = {
  /** Who speaks: an administrator (`managed`), the client itself, or its document. */
  readonly source: Application["source"];
  readonly model: Model;
  readonly tenant: TenantId;
};

export const openidScopes: readonly string[] = ["openid", "profile", "email", "offline_access"];

/** Ours to decide: members that a client's own words are not read for. */
const administratorsOnly: readonly string[] = [
  "access_token_format",
  "access_token_ttl_seconds",
  "refresh_token_ttl_seconds",
  "refresh_token_rotation",
  "require_pkce",
];

const refreshTokenTtlSecondsDefault = 30 * 86_400;
const scopesMax = 100;

type Given = Readonly<Record<string, unknown>>;
type Typed = Partial<ClientMetadata>;

const validate = validatorOf(Type.Object(optionalMetadata));

/** Faults: `invalid_redirect_uri`, `invalid_client_metadata`. */
export const checkMetadata = (input: Given, context: MetadataContext): Result<ClientMetadata> => {
  const known = Object.fromEntries(
    metadataNames.flatMap((name) => (input[name] === undefined || input[name] === null ? [] : [[name, input[name]]])),
  );
  const given = context.source === "managed" ? known : strangersOwn(known, context);
  const checked = validate(given);
  if (isFault(checked)) return refused(checked.errors ?? [{ path: "$", message: checked.detail }]);
  const metadata = withDefaults(checked.value as Typed, context);
  const errors = [
    ...uriErrors(metadata),
    ...grantErrors(metadata, context),
    ...authenticationErrors(metadata, context),
    ...scopeErrors(metadata, context),
  ];
  return errors.length === 0 ? { ...metadata, jwks: publicPart(metadata.jwks) } : refused(errors);
};

/** RFC 7518 §6, RFC 8037 §2: what makes a public key; whatever else came along is not kept. */
const publicMembers = ["kty", "crv", "x", "y", "n", "e", "kid", "alg", "use"] as const;

const publicPart = (jwks: ClientMetadata["jwks"]): ClientMetadata["jwks"] =>
  jwks && {
    keys: jwks.keys.map(
      (key) =>
        Object.fromEntries(
          publicMembers.flatMap((member) => (typeof key[member] === "string" ? [[member, key[member]]] : [])),
        ) as JWK,
    ),
  };

/** RFC 7591 §3.2.2. */
const refused = (errors: readonly FieldError[]) => {
  const redirect = errors.find(({ path }) => path.startsWith("redirect_uris"));
  const first = redirect ?? errors[0];
  return fault(
    redirect === undefined ? "invalid_client_metadata" : "invalid_redirect_uri",
    `\`${first?.path}\` ${first?.message}`,
    { errors: errors.slice(0, 20) },
  );
};

/** RFC 7591 §2: what is not served is left out of what a client asks for itself. */
const strangersOwn = (given: Given, { model, tenant }: MetadataContext): Given => {
  const served = Object.entries(given).flatMap(([name, value]): readonly (readonly [string, unknown])[] => {
    if (administratorsOnly.includes(name)) return [];
    if (name === "grant_types" && Array.isArray(value))
      return [[name, value.filter((type) => type !== "password" && grantTypes.some((one) => one === type))]];
    if (name === "response_types" && Array.isArray(value)) return [[name, value.filter((type) => type === "code")]];
    if (name === "scope" && typeof value === "string") {
      const scopes = value.split(" ").filter((scope) => isKnownScope(model, tenant, scope));
      return scopes.length === 0 ? [] : [[name, scopes.join(" ")]];
    }
    return [[name, value]];
  });
  return Object.fromEntries(served);
};

const isKnownScope = (model: Model, tenant: TenantId, scope: string): boolean =>
  openidScopes.includes(scope) || (scope !== "" && expand(model, [scope], reachOf(tenant)).unknown.length === 0);

const withDefaults = (given: Typed, { source }: MetadataContext): ClientMetadata => {
  const redirects = given.redirect_uris ?? [];
  const type = given.application_type ?? (redirects.some(isPrivateUse) ? "native" : "web");
  const grants = given.grant_types ?? ["authorization_code"];
  return {
    redirect_uris: redirects,
    post_logout_redirect_uris: given.post_logout_redirect_uris ?? [],
    grant_types: grants,
    response_types: given.response_types ?? (grants.includes("authorization_code") ? ["code"] : []),
    // RFC 7591 §2 has client_secret_basic; whoever registers itself keeps no secret unless it says so.
    token_endpoint_auth_method:
      given.token_endpoint_auth_method ?? (source === "managed" && type === "web" ? "client_secret_basic" : "none"),
    token_endpoint_auth_signing_alg: given.token_endpoint_auth_signing_alg ?? null,
    application_type: type,
    // What a human may do bounds it anyway, and what they consent to.
    scope: given.scope ?? (source === "managed" ? openidScopes : [...openidScopes, "*"]).join(" "),
    client_uri: given.client_uri ?? null,
    logo_uri: given.logo_uri ?? null,
    policy_uri: given.policy_uri ?? null,
    tos_uri: given.tos_uri ?? null,
    contacts: given.contacts ?? [],
    jwks: given.jwks ?? null,
    jwks_uri: given.jwks_uri ?? null,
    software_id: given.software_id ?? null,
    software_version: given.software_version ?? null,
    // OIDC Core §3.1.3.7: what every client of OpenID Connect can verify.
    id_token_signed_response_alg: given.id_token_signed_response_alg ?? "RS256",
    request_object_signing_alg: given.request_object_signing_alg ?? null,
    require_signed_request_object: given.require_signed_request_object ?? false,
    require_pushed_authorization_requests: given.require_pushed_authorization_requests ?? false,
    dpop_bound_access_tokens: given.dpop_bound_access_tokens ?? false,
    authorization_details_types: given.authorization_details_types ?? [],
    default_max_age: given.default_max_age ?? null,
    default_acr_values: given.default_acr_values ?? [],
    backchannel_logout_uri: given.backchannel_logout_uri ?? null,
    backchannel_logout_session_required: given.backchannel_logout_session_required ?? false,
    access_token_format: given.access_token_format ?? "jwt",
    access_token_ttl_seconds: given.access_token_ttl_seconds ?? accessTokenTtlSecondsDefault,
    refresh_token_ttl_seconds: given.refresh_token_ttl_seconds ?? refreshTokenTtlSecondsDefault,
    refresh_token_rotation: given.refresh_token_rotation ?? "rotate",
    require_pkce: given.require_pkce ?? true,
  };
};

type Errors = readonly FieldError[];
/** One error where the condition holds. */
const when = (wrong: boolean, path: string, message: string): Errors => (wrong ? [{ path, message }] : []);
const problem = (path: string, message: string | undefined): Errors =>
  message === undefined ? [] : [{ path, message }];

const webUris = ["client_uri", "logo_uri", "policy_uri", "tos_uri", "jwks_uri", "backchannel_logout_uri"] as const;

const uriErrors = (metadata: ClientMetadata): Errors => [
  ...(["redirect_uris", "post_logout_redirect_uris"] as const).flatMap((name) =>
    metadata[name].flatMap((uri, at) => problem(`${name}[${at}]`, redirectProblem(uri, metadata.application_type))),
  ),
  ...webUris.flatMap((name) => {
    const uri = metadata[name];
    return uri === null ? [] : problem(name, webProblem(uri));
  }),
];

const grantErrors = (metadata: ClientMetadata, { source }: MetadataContext): Errors => {
  const { grant_types, response_types, redirect_uris } = metadata;
  const code = grant_types.includes("authorization_code");
  const beginsAnything = grant_types.some((type) => type !== "refresh_token");
  return [
    ...when(!beginsAnything, "grant_types", "has none that is served here and begins with a human"),
    ...when(code && redirect_uris.length === 0, "redirect_uris", "is required with `authorization_code`"),
    ...when(
      code !== response_types.includes("code"),
      "response_types",
      "must be `code` with `authorization_code`, and empty without",
    ),
    ...when(
      source !== "managed" && grant_types.includes("password"),
      "grant_types",
      "may have `password` only where an administrator registers the client",
    ),
  ];
};

const authenticationErrors = (metadata: ClientMetadata, { source }: MetadataContext): Errors => {
  const method = metadata.token_endpoint_auth_method;
  const isPublic = method === "none";
  const hasKeys = metadata.jwks !== null || metadata.jwks_uri !== null;
  const keys = metadata.jwks === null ? undefined : checkKeys(metadata.jwks);
  return [
    ...(isFault(keys) ? (keys.errors ?? []) : []),
    ...when(metadata.jwks !== null && metadata.jwks_uri !== null, "jwks_uri", "and `jwks` cannot both be given"),
    ...when(method === "private_key_jwt" && !hasKeys, "jwks", "or `jwks_uri` is required with `private_key_jwt`"),
    ...when(
      metadata.token_endpoint_auth_signing_alg !== null && method !== "private_key_jwt",
      "token_endpoint_auth_signing_alg",
      "is for `private_key_jwt`",
    ),
    ...when(
      (metadata.require_signed_request_object || metadata.request_object_signing_alg !== null) && !hasKeys,
      "jwks",
      "or `jwks_uri` is required where request objects are signed",
    ),
    ...when(
      source === "metadata_document" && method.startsWith("client_secret"),
      "token_endpoint_auth_method",
      "cannot be a shared secret in a document that anybody can read",
    ),
    ...when(!metadata.require_pkce && isPublic, "require_pkce", "can be turned off for confidential clients only"),
    ...when(
      metadata.refresh_token_rotation === "fixed" && (isPublic || !metadata.dpop_bound_access_tokens),
      "refresh_token_rotation",
      "can be `fixed` only for a confidential client with `dpop_bound_access_tokens`",
    ),
  ];
};

const scopeErrors = ({ scope }: ClientMetadata, { model, tenant }: MetadataContext): Errors => {
  const scopes = scope.split(" ");
  const unknown = scopes.filter((one) => !isKnownScope(model, tenant, one));
  return [
    ...when(scopes.length > scopesMax, "scope", `has more than ${scopesMax} scopes`),
    ...when(
      unknown.length > 0,
      "scope",
      `has \`${unknown.slice(0, 5).join(" ")}\`, which matches no permission of the model`,
    ),
  ];
};

/** Whether it proves itself by a secret that we make. */
export const hasSecret = ({
  token_endpoint_auth_method,
}: Pick<ClientMetadata, "token_endpoint_auth_method">): boolean =>
  token_endpoint_auth_method.startsWith("client_secret");
