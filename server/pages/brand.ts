/** Whose door people stand at: a tenant's name, logo and colour, or the deployment's own. */
import { hostTenant } from "../../core/ids.ts";
import type { TenantFront } from "../policies/front.ts";
import { hrefOf, type Site } from "./site.ts";

export type Brand = {
  readonly name: string;
  /** `#rrggbb`, or null for the deployment's own. */
  readonly accentColor: string | null;
  /** Where its logo is served. */
  readonly logo: string | null;
};

/** What a deployment without a name of its own is called. */
export const defaultBrand: Brand = { name: "Countersign", accentColor: null, logo: null };

export const brandOf = (site: Site, front: TenantFront | undefined): Brand => {
  if (front === undefined) return defaultBrand;
  const { brand } = front;
  // The host is called what people call it only where somebody has said so.
  const own = front.tenant === hostTenant ? defaultBrand.name : front.displayName;
  return {
    name: brand?.displayName ?? own,
    accentColor: brand?.accentColor ?? null,
    logo:
      brand?.hasLogo === true ? hrefOf(site, "/branding/logo", { tenant: front.tenant, v: `${brand.revision}` }) : null,
  };
};
