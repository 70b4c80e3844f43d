/**
 * What a client_id says by its form alone. An application's begins with `app_live_` and says which tenant it lives in (ADR 4); a client
 * ID metadata document's is its URL, and lives at the host. A service account's is neither.
 */
import { hostTenant, isUuid, type TenantId } from "../../core/ids.ts";
import { randomOctets } from "../platform/random.ts";

const prefix = "app_live_";
const tenantOctets = 16;
const randomPart = 12;
/** Base64url characters that the octets make. */
const textLength = Math.ceil(((tenantOctets + randomPart) * 4) / 3);

/** A URL longer than this is nobody's client_id. */
export const clientIdLengthMax = 500;

/** Public, and never reused: 96 random bits behind the tenant. */
export const newApplicationId = (tenant: TenantId): string =>
  prefix +
  Buffer.concat([Buffer.from(tenant.replaceAll("-", ""), "hex"), randomOctets(randomPart)]).toString("base64url");

export const isMetadataDocumentId = (clientId: string): boolean => clientId.startsWith("https://");

/** A URI is printable ASCII (RFC 3986 §2); whatever else there is in a text names nothing that is worth looking up. */
const printable = /^[!-~]+$/;

/** Whether the client_id is an application's; else it can only be a service account's. */
export const isApplicationId = (clientId: string): boolean =>
  clientId.startsWith(prefix) || isMetadataDocumentId(clientId);

/** Where an application with this client_id would live; undefined for what cannot be one. Routing, not authority. */
export const tenantOfClientId = (clientId: string): TenantId | undefined => {
  if (clientId.length > clientIdLengthMax) return undefined;
  if (isMetadataDocumentId(clientId)) return printable.test(clientId) ? hostTenant : undefined;
  if (!clientId.startsWith(prefix) || clientId.length !== prefix.length + textLength) return undefined;
  const octets = Buffer.from(clientId.slice(prefix.length), "base64url");
  if (octets.length !== tenantOctets + randomPart) return undefined;
  const hex = octets.toString("hex", 0, tenantOctets);
  const tenant = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  return isUuid(tenant) ? (tenant as TenantId) : undefined;
};
