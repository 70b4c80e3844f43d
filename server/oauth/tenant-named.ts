/** The `tenant` parameter, ours: which of their tenants the human's token shall be for. */
import { hostTenant, parseRef, type TenantId } from "../../core/ids.ts";
import { fault, type Result } from "../../core/faults.ts";
import type { Model } from "../../core/model/model.ts";

/** Null where it is absent, and nothing else says which. A tenant's own client is for that tenant alone. */
export const readTenant = (
  model: Model,
  clientTenant: TenantId,
  text: string | undefined,
): Result<{ readonly tenant: TenantId | null }> => {
  if (text === undefined) return { tenant: clientTenant === hostTenant ? null : clientTenant };
  const tenant = named(model, text);
  if (tenant === undefined)
    return fault("invalid_argument", "`tenant` must be the ref of a tenant, such as `organizations/{uuid}`");
  return clientTenant === hostTenant || clientTenant === tenant
    ? { tenant }
    : fault("invalid_argument", "the client cannot be used for the tenant that `tenant` names");
};

const named = (model: Model, text: string): TenantId | undefined => {
  if (text === "host") return hostTenant;
  const ref = parseRef(text);
  return ref !== undefined && model.collections.get(ref.collection)?.root === true ? (ref.id as TenantId) : undefined;
};
