/** The SQL of sign-in policies and brandings. */
import type { TenantId } from "../../core/ids.ts";
import type { Database, Tx } from "../platform/database/database.ts";
import type { SignInPolicy } from "./model.ts";

export type StoredFront = {
  readonly tenant: TenantId;
  readonly type: string;
  readonly display_name: string;
  readonly state: "active" | "suspended" | "deleted";
  readonly policy: Partial<SignInPolicy> | null;
  readonly brand: {
    readonly display_name: string | null;
    readonly accent_color: string | null;
    readonly has_logo: boolean;
    readonly revision: number;
  } | null;
};

const front = "select tenant_front($1) as front";

export const readFront = async (database: Database, tenant: TenantId): Promise<StoredFront | undefined> =>
  (await database.statement<{ front: StoredFront | null }>("policies.front", front, [tenant]))[0]?.front ?? undefined;

export const readFrontIn = async (tx: Tx, tenant: TenantId): Promise<StoredFront | undefined> =>
  (await tx.query<{ front: StoredFront | null }>("policies.front", front, [tenant]))[0]?.front ?? undefined;
