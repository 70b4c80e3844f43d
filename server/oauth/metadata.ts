/**
 * What the server says about itself: authorization server metadata (RFC 8414) and OpenID Connect discovery. It lists what works, and
 * nothing that does not.
 */
import { grantTypes } from "./issue-token.ts";

const clientAuthentication = ["client_secret_basic", "client_secret_post", "private_key_jwt"] as const;
/** What a client may sign its assertions with. */
const assertionAlgorithms = ["ES256", "PS256", "EdDSA", "Ed25519"] as const;

/** RFC 8414 §2. `issuer` is the configured one to the octet. */
export const serverMetadata = (issuer: string, scopes: readonly string[]) => ({
  issuer,
  token_endpoint: `${issuer}/oauth/token`,
  introspection_endpoint: `${issuer}/oauth/introspect`,
  revocation_endpoint: `${issuer}/oauth/revoke`,
  jwks_uri: `${issuer}/oauth/jwks`,
  grant_types_supported: grantTypes,
  // No front channel yet: the list is required (§2) and empty.
  response_types_supported: [],
  scopes_supported: scopes,
  token_endpoint_auth_methods_supported: clientAuthentication,
  token_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
  introspection_endpoint_auth_methods_supported: [...clientAuthentication, "bearer"],
  introspection_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
  revocation_endpoint_auth_methods_supported: [...clientAuthentication, "bearer"],
  revocation_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
  // RFC 7636: the only method there will be; a verifier sent to the token endpoint is judged by it.
  code_challenge_methods_supported: ["S256"],
});
