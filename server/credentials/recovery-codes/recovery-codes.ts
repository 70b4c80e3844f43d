/**
 * Recovery codes: what a human keeps on paper for the day the authenticator is lost. Each is 80 random bits, so that SHA-256 is enough at
 * rest; the human's id is hashed with it, so that one guess is not a guess at everybody's.
 */
import type { Tx } from "../../platform/database/database.ts";
import { randomText } from "../../platform/random.ts";
import { digestOctets, digestOf } from "../../tokens/digest.ts";
import type { Human } from "../human.ts";
import { countCodes, deleteCodes, holdCodesOf, insertCodes, spendCode } from "./store.ts";

export const recovery_codes_count = 10;
/** Crockford's base 32, in lower case: no i, l, o, u, so nothing is read for something else. Five bits a character. */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
const code_length = 16;
const group_length = 4;
/** What is typed may have spaces and dashes in it, and not without end. */
const typed_length_max = 64;

/** Ten new codes, shown once; those there were are gone. */
export const newRecoveryCodes = async (tx: Tx, human: Human, now: number): Promise<readonly string[]> => {
  const codes = Array.from({ length: recovery_codes_count }, () => randomText(alphabet, code_length));
  await holdCodesOf(tx, human.user);
  await deleteCodes(tx, human.user);
  await insertCodes(
    tx,
    human.user,
    codes.map((code) => hashOf(human, code)),
    new Date(now),
  );
  return codes.map((code) => code.match(new RegExp(`.{${group_length}}`, "g"))?.join("-") ?? code);
};

/** True once for each code. However it was typed: case, spaces and dashes do not count. */
export const useRecoveryCode = async (tx: Tx, human: Human, code: string, now: number): Promise<boolean> => {
  const read = readRecoveryCode(code);
  return read !== undefined && spendCode(tx, human.user, hashOf(human, read), new Date(now));
};

export const recoveryCodesLeft = (tx: Tx, { user }: Human): Promise<number> => countCodes(tx, user);

/** As it was made, whatever was typed; undefined where it is none. Crockford reads o as 0, and i and l as 1. */
const readRecoveryCode = (text: string): string | undefined => {
  if (text.length > typed_length_max) return undefined;
  const code = text
    .toLowerCase()
    .replaceAll(/[\s\u2010-\u2015-]/g, "")
    .replaceAll("o", "0")
    .replaceAll(/[il]/g, "1");
  return code.length === code_length ? code : undefined;
};

const hashOf = ({ home, user }: Human, code: string): Buffer =>
  digestOctets(digestOf(`recovery code of ${home}/${user}: ${code}`));
