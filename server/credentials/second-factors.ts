/** What a human could be asked for besides a password. */
import type { Tx } from "../platform/database/database.ts";
import type { Human } from "./human.ts";
import { countFactors, deleteAllOf, deleteFactors } from "./second-factors-store.ts";

/** How many there are that can be used. Recovery codes stand in for another factor; alone they are none. */
export type SecondFactors = { readonly totp: number; readonly passkeys: number; readonly recoveryCodes: number };

export const secondFactorsOf = async (tx: Tx, { user }: Human): Promise<SecondFactors> => {
  const { totp, passkeys, codes } = await countFactors(tx, user);
  return { totp, passkeys, recoveryCodes: codes };
};

/** Takes all of them away, and forgets every browser that was remembered because of one. */
export const removeSecondFactors = (tx: Tx, { user }: Human): Promise<void> => deleteFactors(tx, user);

/** Takes everything away that proves the human, for good: whose account is deleted. Sessions and tokens are ended by who deletes. */
export const removeCredentials = (tx: Tx, { user }: Human): Promise<void> => deleteAllOf(tx, user);
