/** What this service says about itself as a protected resource (RFC 9728), from which a client that knows only its URL finds the rest. */
import { proofAlgorithms } from "../core/dpop/proof.ts";
import type { Settled } from "./options.ts";

export type ResourceMetadata = {
  /** Where the adapters serve it: the well-known part stands before the resource's own path (§3.1). */
  readonly path: string;
  /** The same as a URL, for challenges. */
  readonly url: string;
  /** JSON. */
  readonly document: string;
  /** What it is sent with: a page of any origin may read it, as it may the issuer's own. */
  readonly headers: Readonly<Record<string, string>>;
};

const headers = { "content-type": "application/json", "access-control-allow-origin": "*" };

const wellKnown = "/.well-known/oauth-protected-resource";

/** Undefined for an audience that is no URL of this service's own: there is nothing to find at it. */
export const resourceMetadataOf = (options: Settled): ResourceMetadata | undefined => {
  const { base, issuer } = options;
  const resource = options.audience.find((one) => base !== undefined && isAt(one, base));
  if (resource === undefined) return undefined;
  const { origin, pathname } = new URL(resource);
  const path = wellKnown + (pathname === "/" ? "" : pathname);
  const document = {
    resource,
    authorization_servers: [issuer],
    bearer_methods_supported: ["header"],
    dpop_signing_alg_values_supported: proofAlgorithms,
    dpop_bound_access_tokens_required: false,
    ...options.metadata,
  };
  return { path, url: origin + path, document: JSON.stringify(document), headers };
};

const isAt = (audience: string, base: string): boolean =>
  URL.canParse(audience) && new URL(audience).origin === new URL(base).origin;
