/** SQL about a human that credentials need and users have no use for. */
import type { PrincipalId } from "../../core/ids.ts";
import type { Tx } from "../platform/database/database.ts";

/** The language the human has chosen, a BCP 47 tag. */
export const localeOfUser = async (tx: Tx, user: PrincipalId): Promise<string | null> => {
  const [row] = await tx.query<{ locale: string | null }>(
    "credentials.locale",
    "select locale from users where tenant_id = $1 and id = $2",
    [tx.tenant, user],
  );
  return row?.locale ?? null;
};
