/** The tenants a human belongs to, as a picker shows them. */
import type { PrincipalId, TenantId } from "../../../core/ids.ts";
import type { Database } from "../../platform/database/database.ts";
import type { HumanTenant } from "./model.ts";
import { readTenantsOfHuman } from "./tenants-store.ts";

/** Shown at most; who belongs to more searches. */
export const tenantsShownMax = 50;
const searchLengthMax = 200;

/** Active ones only, last used first. `search` is looked for in their names. */
export const tenantsOfHuman = async (
  database: Database,
  human: { readonly home: TenantId; readonly user: PrincipalId },
  search = "",
): Promise<readonly HumanTenant[]> =>
  readTenantsOfHuman(database, human, search.trim().slice(0, searchLengthMax), tenantsShownMax);
