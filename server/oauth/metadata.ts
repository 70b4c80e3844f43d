/**
 * What the server says about itself: authorization server metadata (RFC 8414) and OpenID Connect discovery. It lists what works, and
 * nothing that does not.
 */
import { openidScopes } from "../clients/metadata.ts";
import { acrs } from "../sessions/model.ts";
import { signingAlgs } from "../tokens/signing-keys.ts";
import { authorizationDetailsTypes } from "./authorization-details.ts";
import { prompts, responseModes } from "./authorize/model.ts";
import { proofAlgorithms } from "../../core/dpop/proof.ts";
import { humanClaimNames } from "./id-token.ts";
import { grantTypes } from "./issue-token.ts";

const confidential = ["client_secret_basic", "client_secret_post", "private_key_jwt"] as const;
/** What a client may sign its assertions and request objects with. */
const assertionAlgorithms = ["ES256", "PS256", "EdDSA", "Ed25519"] as const;

/** What every ID token says (OIDC Core §2), beside what is asked for by name. */
const tokenClaims = [
  "iss",
  "sub",
  "aud",
  "exp",
  "iat",
  "auth_time",
  "nonce",
  "acr",
  "amr",
  "sid",
  "at_hash",
  "tenant_id",
];

/** RFC 8414 §2, OpenID Connect Discovery §3, and what extends them. `issuer` is the configured one to the octet. */
export const serverMetadata = (issuer: string, permissions: readonly string[]) => ({
  issuer,
  authorization_endpoint: `${issuer}/oauth/authorize`,
  token_endpoint: `${issuer}/oauth/token`,
  userinfo_endpoint: `${issuer}/oauth/userinfo`,
  jwks_uri: `${issuer}/oauth/jwks`,
  registration_endpoint: `${issuer}/oauth/register`,
  introspection_endpoint: `${issuer}/oauth/introspect`,
  revocation_endpoint: `${issuer}/oauth/revoke`,
  // RFC 9126 §5, RFC 8628 §4, OpenID Connect RP-Initiated Logout §2.1
  pushed_authorization_request_endpoint: `${issuer}/oauth/par`,
  device_authorization_endpoint: `${issuer}/oauth/device_authorization`,
  end_session_endpoint: `${issuer}/oauth/logout`,

  response_types_supported: ["code"],
  response_modes_supported: responseModes,
  grant_types_supported: grantTypes,
  code_challenge_methods_supported: ["S256"],
  authorization_response_iss_parameter_supported: true,
  require_pushed_authorization_requests: false,
  scopes_supported: [...openidScopes, ...permissions],
  prompt_values_supported: prompts,
  acr_values_supported: acrs,
  authorization_details_types_supported: authorizationDetailsTypes,
  ui_locales_supported: ["en", "de"],

  token_endpoint_auth_methods_supported: ["none", ...confidential],
  token_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
  introspection_endpoint_auth_methods_supported: [...confidential, "bearer"],
  introspection_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
  revocation_endpoint_auth_methods_supported: ["none", ...confidential, "bearer"],
  revocation_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
  dpop_signing_alg_values_supported: proofAlgorithms,

  subject_types_supported: ["public"],
  id_token_signing_alg_values_supported: signingAlgs,
  claims_supported: [...tokenClaims, ...humanClaimNames],
  claims_parameter_supported: true,
  // RFC 9101 §10.5: a `request_uri` is one that was pushed, and nothing is fetched for it.
  request_parameter_supported: true,
  request_uri_parameter_supported: false,
  request_object_signing_alg_values_supported: assertionAlgorithms,
  require_signed_request_object: false,

  backchannel_logout_supported: true,
  backchannel_logout_session_supported: true,
  client_id_metadata_document_supported: true,
});
