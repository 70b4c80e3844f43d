/**
 * Device authorization (RFC 8628): a device without a browser asks, and a human decides in one.
 *
 *     pending ─┬→ approved → redeemed
 *              ├→ denied
 *              └→ expired
 */
import { createHmac } from "node:crypto";
import { randomText } from "../../platform/random.ts";

/** §3.2, §6.1: 34 bits of consonants that are hard to take for each other, and make no words. */
const userCodeAlphabet = "BCDFGHJKLMNPQRSTVWXZ";
const userCodeLength = 8;
const wellFormed = new RegExp(`^[${userCodeAlphabet}]{${userCodeLength}}$`);

export const deviceTtlSeconds = 600;
/** §3.2, §3.5: how often a device may ask, at first; and how much longer it waits after asking too soon. */
export const intervalSeconds = 5;

/** As it is stored and compared: without the dash. */
export const newUserCode = (): string => randomText(userCodeAlphabet, userCodeLength);

/** `XXXX-XXXX`. */
export const shownUserCode = (code: string): string => `${code.slice(0, 4)}-${code.slice(4)}`;

/** §6.1: case, dashes and spaces are the human's own. Undefined for what cannot be one. */
export const readUserCode = (text: string): string | undefined => {
  const code = text.toUpperCase().replaceAll(/[\s.\-–_]/g, "");
  return wellFormed.test(code) ? code : undefined;
};

/** So few bits could be searched for in a dump of plain hashes; these are made with a key of the deployment. */
export const userCodeHash = (key: Buffer, code: string): Buffer => createHmac("sha256", key).update(code).digest();
