import type { Tx } from "../../platform/database/database.ts";
import type { Human } from "../human.ts";

/** Ten new codes, shown once; those there were are gone. */
export const newRecoveryCodes = async (_tx: Tx, _human: Human, _now: number): Promise<readonly string[]> => {
  throw new Error("not yet");
};
/** True once for each code. However it was typed: case, spaces and dashes do not count. */
export const useRecoveryCode = async (_tx: Tx, _human: Human, _code: string, _now: number): Promise<boolean> => {
  throw new Error("not yet");
};
export const recoveryCodesLeft = async (_tx: Tx, _human: Human): Promise<number> => {
  throw new Error("not yet");
};
