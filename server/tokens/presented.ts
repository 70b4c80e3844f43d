/** What somebody presents as a credential, recognised by its form alone: nothing here is believed yet. */
import { isUuid, type PrincipalId, type TenantId } from "../../core/ids.ts";
import { type RoutedJwt, routeJwt } from "./access-token.ts";
import { digestOf } from "./digest.ts";
import { type PresentedSecret, readSecret, type VerifiableKind } from "./secret-text.ts";

const verifiable = ["client_secret", "api_token", "access_token"] as const satisfies readonly VerifiableKind[];

export type Presented = PresentedSecret<VerifiableKind> | PresentedJwt | PresentedCertificate;

export type PresentedJwt = {
  readonly kind: "jwt";
  readonly tenant: TenantId;
  readonly principal: PrincipalId;
  /** SHA-256 of the whole text, base64url. */
  readonly digest: string;
  readonly jwt: RoutedJwt;
};

/** A service account named by a verified client certificate (mTLS). The authority that signed it vouches for the name. */
export type PresentedCertificate = {
  readonly kind: "certificate";
  readonly tenant: TenantId;
  readonly principal: PrincipalId;
  /** SHA-256 of the name, base64url. */
  readonly digest: string;
};

const spiffe = /^spiffe:\/\/[^/]+\/[a-z][a-z0-9_-]*\/([0-9a-f-]{36})\/service-accounts\/([0-9a-f-]{36})$/;

/** Reads `spiffe://{trust domain}/{tenant's ref}/service-accounts/{uuid}`; of several such names none is taken. */
export const recogniseCertificate = (sanUris: readonly string[]): PresentedCertificate | undefined => {
  const names = sanUris.flatMap((uri) => {
    const found = spiffe.exec(uri);
    return found?.[1] && found[2] && isUuid(found[1]) && isUuid(found[2])
      ? [{ uri, tenant: found[1], principal: found[2] }]
      : [];
  });
  const [name] = names;
  if (name === undefined || names.length > 1) return undefined;
  return {
    kind: "certificate",
    tenant: name.tenant as TenantId,
    principal: name.principal as PrincipalId,
    digest: digestOf(name.uri),
  };
};

/** Undefined when the text cannot be a credential of ours. */
export const recognise = (text: string): Presented | undefined => {
  if (text.startsWith("cs_")) return readSecret(text, verifiable);
  const jwt = routeJwt(text);
  if (jwt === undefined) return undefined;
  return { kind: "jwt", tenant: jwt.tenant, principal: jwt.principal, digest: digestOf(text), jwt };
};

/** A client secret proves a client; it is not a token, and is never accepted as one. */
export type PresentedToken = PresentedJwt | PresentedSecret<Exclude<VerifiableKind, "client_secret">>;

export const isToken = (presented: Presented): presented is PresentedToken =>
  presented.kind !== "client_secret" && presented.kind !== "certificate";
