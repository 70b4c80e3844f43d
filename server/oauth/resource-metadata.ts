/**
 * What our own API says about itself as a protected resource (RFC 9728): whose tokens it takes, how, and for what. A client that has
 * nothing but a URL of ours gets from a 401 to here, and from here to the authorization server (MCP, "Authorization").
 */
import { apiPaths } from "../tokens/bearer.ts";
import { proofAlgorithms } from "../../core/dpop/proof.ts";
import { authorizationDetailsTypes } from "./authorization-details.ts";

const wellKnown = "/.well-known/oauth-protected-resource";

const pathOf = (issuer: string): string => {
  const { pathname } = new URL(issuer);
  return pathname === "/" ? "" : pathname;
};

/** Where the metadata of the API as a whole is: what challenges point to (§5.1). */
export const resourceMetadataUrl = (issuer: string): string => new URL(issuer).origin + wellKnown + pathOf(issuer);

/** §2, for the resource as it names itself. */
const metadataOf = (issuer: string, resource: string, scopes: readonly string[]) => ({
  resource,
  authorization_servers: [issuer],
  jwks_uri: `${issuer}/oauth/jwks`,
  scopes_supported: scopes,
  bearer_methods_supported: ["header"],
  resource_name: "Countersign",
  authorization_details_types_supported: authorizationDetailsTypes,
  dpop_signing_alg_values_supported: proofAlgorithms,
  // Both kinds of token are taken; one that is bound to a key needs its proof.
  dpop_bound_access_tokens_required: false,
});

/** A document for each resource (§3.1: the well-known part stands before the resource's path), by its path on this host. */
export const resourceMetadata = (
  issuer: string,
  scopes: readonly string[],
): readonly { readonly path: string; readonly document: object }[] =>
  ["", ...apiPaths].map((path) => ({
    path: wellKnown + pathOf(issuer) + path,
    document: metadataOf(issuer, issuer + path, scopes),
  }));
