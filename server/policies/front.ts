/** A tenant as those see it who are about to sign in to it: its name, its face, its policy. One statement; nothing in it is secret. */
import type { TenantId } from "../../core/ids.ts";
import type { Database, Tx } from "../platform/database/database.ts";
import { defaultPolicy, type SignInPolicy } from "./model.ts";
import { readFront, readFrontIn, type StoredFront } from "./store.ts";

export type TenantFront = {
  readonly tenant: TenantId;
  /** The root perimeter's type, as in the model. */
  readonly type: string;
  readonly displayName: string;
  readonly state: "active" | "suspended" | "deleted";
  readonly policy: SignInPolicy;
  readonly brand:
    | {
        readonly displayName: string | null;
        readonly accentColor: string | null;
        readonly hasLogo: boolean;
        readonly revision: number;
      }
    | undefined;
};

const frontOf = (stored: StoredFront): TenantFront => ({
  tenant: stored.tenant,
  type: stored.type,
  displayName: stored.display_name,
  state: stored.state,
  policy: { ...defaultPolicy, ...stored.policy },
  brand:
    stored.brand === null
      ? undefined
      : {
          displayName: stored.brand.display_name,
          accentColor: stored.brand.accent_color,
          hasLogo: stored.brand.has_logo,
          revision: stored.brand.revision,
        },
});

/** Undefined where there is no such tenant. */
export const tenantFront = async (database: Database, tenant: TenantId): Promise<TenantFront | undefined> => {
  const stored = await readFront(database, tenant);
  return stored && frontOf(stored);
};

/** The same inside a transaction, whichever tenant that is for. */
export const tenantFrontIn = async (tx: Tx, tenant: TenantId): Promise<TenantFront | undefined> => {
  const stored = await readFrontIn(tx, tenant);
  return stored && frontOf(stored);
};
