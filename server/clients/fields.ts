/** A client's metadata as a request may send it: RFC 7591 §2 and what extends it, each member with its bounds. */
import Type from "typebox";
import { jwks } from "../principals/service-accounts/model.ts";

const uri = (description: string) => Type.String({ minLength: 1, maxLength: 1_000, description });
const uris = (description: string) => Type.Array(uri(description), { maxItems: 20, uniqueItems: true, description });
const name = (description: string) => Type.String({ minLength: 1, maxLength: 200, description });
const nullable = <S extends Type.TSchema>(schema: S) => Type.Union([schema, Type.Null()]);
const oneOf = <const T extends readonly string[]>(values: T, description: string) =>
  Type.Union(
    values.map((value) => Type.Literal(value)),
    { description },
  ) as unknown as Type.TUnsafe<T[number]>;
const seconds = (minimum: number, maximum: number, description: string) =>
  Type.Integer({ minimum, maximum, description });

export const grantTypes = [
  "authorization_code",
  "refresh_token",
  "urn:ietf:params:oauth:grant-type:device_code",
  "password",
] as const;
export const authMethods = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"] as const;
/** What is signed by the client, or for it. */
export const signingAlgorithms = ["RS256", "ES256", "PS256", "EdDSA"] as const;

const dayInSeconds = 86_400;

export const metadataFields = {
  redirect_uris: uris("where answers may go; compared to the octet, the port of a loopback address excepted"),
  post_logout_redirect_uris: uris("where a browser may go after sign-out"),
  grant_types: Type.Array(oneOf(grantTypes, "RFC 6749; `password` is for gRPC IssueToken alone"), {
    maxItems: grantTypes.length,
    uniqueItems: true,
    description: "what it may exchange for tokens",
  }),
  response_types: Type.Array(Type.Literal("code"), { maxItems: 1, description: "`code`, with authorization_code" }),
  token_endpoint_auth_method: oneOf(authMethods, "how it proves itself; this way and no other is accepted"),
  token_endpoint_auth_signing_alg: nullable(oneOf(signingAlgorithms, "private_key_jwt: the one algorithm accepted")),
  application_type: oneOf(["web", "native"] as const, "native ones may have a private-use URI scheme"),
  scope: Type.String({
    minLength: 1,
    maxLength: 2_000,
    description: "what its tokens may at most carry: openid, profile, email, offline_access, and permission patterns",
  }),
  client_uri: nullable(uri("its home page")),
  logo_uri: nullable(uri("its logo")),
  policy_uri: nullable(uri("how it treats personal data")),
  tos_uri: nullable(uri("its terms of service")),
  contacts: Type.Array(Type.String({ minLength: 1, maxLength: 254 }), {
    maxItems: 10,
    description: "who is responsible for it",
  }),
  jwks: nullable(jwks),
  jwks_uri: nullable(uri("where it publishes its public keys")),
  software_id: nullable(name("the same for every installation of one program")),
  software_version: nullable(name("the program's version")),
  id_token_signed_response_alg: oneOf(signingAlgorithms, "what its ID tokens are signed with"),
  request_object_signing_alg: nullable(oneOf(signingAlgorithms, "RFC 9101: the one algorithm accepted")),
  require_signed_request_object: Type.Boolean({ description: "RFC 9101 §10.5" }),
  require_pushed_authorization_requests: Type.Boolean({ description: "RFC 9126 §6" }),
  dpop_bound_access_tokens: Type.Boolean({ description: "RFC 9449 §5.2: it has to prove possession" }),
  authorization_details_types: Type.Array(name("a type"), {
    maxItems: 20,
    uniqueItems: true,
    description: "RFC 9396 §10",
  }),
  default_max_age: nullable(seconds(0, 366 * dayInSeconds, "how old a sign-in may be")),
  default_acr_values: Type.Array(name("an acr"), {
    maxItems: 10,
    description: "what it asks for where it does not say",
  }),
  backchannel_logout_uri: nullable(uri("who is told that a session has ended")),
  backchannel_logout_session_required: Type.Boolean({ description: "whether it needs `sid`" }),
  access_token_format: oneOf(
    ["jwt", "opaque"] as const,
    "jwt (RFC 9068), or opaque, which only introspection can read",
  ),
  access_token_ttl_seconds: seconds(60, dayInSeconds, "how long its access tokens live"),
  refresh_token_ttl_seconds: seconds(3_600, 366 * dayInSeconds, "how long it may go on without its human"),
  refresh_token_rotation: oneOf(
    ["rotate", "fixed"] as const,
    "`fixed` is for confidential clients with DPoP-bound tokens (FAPI 2.0)",
  ),
  require_pkce: Type.Boolean({ description: "only a confidential client may be registered without" }),
} as const;

export const metadataNames = Object.keys(metadataFields) as readonly (keyof typeof metadataFields)[];

/** The same, none of it required: what a request may send. */
export const optionalMetadata = Object.fromEntries(
  Object.entries(metadataFields).map(([field, schema]) => [field, Type.Optional(schema)]),
) as { readonly [K in keyof typeof metadataFields]: Type.TOptional<(typeof metadataFields)[K]> };
