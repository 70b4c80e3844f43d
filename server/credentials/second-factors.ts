/** What a human could be asked for besides a password. */
import type { Tx } from "../platform/database/database.ts";
import type { Human } from "./human.ts";

export type SecondFactors = { readonly totp: number; readonly passkeys: number; readonly recoveryCodes: number };

export const secondFactorsOf = async (_tx: Tx, _human: Human): Promise<SecondFactors> => {
  throw new Error("not yet");
};
