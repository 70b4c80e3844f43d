/** A secret of an application: made, its hash kept, its text given to whoever asked and to nobody again. */
import type { PrincipalId } from "../../core/ids.ts";
import type { Tx } from "../platform/database/database.ts";
import { newId } from "../platform/random.ts";
import { newSecret } from "../tokens/secret-text.ts";
import { insertSecret } from "./store.ts";

/** Live secrets an application may have at once: the one in use, and its replacement while it is rolled out. */
export const liveSecretsMax = 2;

/** A rotation may let the old secret live on this long at most. */
export const overlapSecondsMax = 7 * 24 * 3600;

export const issueSecret = async (tx: Tx, application: string, now: Date): Promise<string> => {
  // Where the text says which principal it is of, an application's has the application.
  const { text, hash, keyId } = newSecret("application_secret", tx.tenant, application as PrincipalId);
  await insertSecret(tx, { id: newId(), application, hash, keyId, createTime: now });
  return text;
};
