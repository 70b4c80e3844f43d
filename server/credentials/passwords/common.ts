/** Whether a password is among those that are tried first: in the offline list, or one of it in disguise. */
import { readFileSync } from "node:fs";
import { hasFingerprint, unpackFingerprints } from "./fingerprints.ts";

const listPath = new URL("./common-passwords.txt", import.meta.url);
const loaded: { list?: Uint32Array } = {};

/** Read when the first password is chosen: most processes never need it. */
const isListed = (text: string): boolean =>
  hasFingerprint((loaded.list ??= unpackFingerprints(readFileSync(listPath, "latin1"))), text);

/** So many characters before and after a listed word hide nothing. */
const decoration_length_max = 6;
/** A text that is this repeated is no longer than it. */
const repeated_length_max = 4;

const leet: Readonly<Record<string, string>> = {
  "0": "o",
  "1": "i",
  "3": "e",
  "4": "a",
  "5": "s",
  "7": "t",
  "8": "b",
  "@": "a",
  $: "s",
  "!": "i",
  "+": "t",
};
const plain = (text: string): string => text.replaceAll(/[0134578@$!+]/g, (sign) => leet[sign] ?? sign);

/** Folded for comparing: case and width count for nothing here. */
export const folded = (text: string): string => text.normalize("NFKC").toLowerCase();

export const isCommon = (text: string): boolean => {
  const whole = folded(text);
  const unit = repeatedPart(whole);
  if (unit.length <= repeated_length_max && unit.length < whole.length) return true;
  if (isRun(whole)) return true;
  const core = unit.replaceAll(/^[^\p{L}]+|[^\p{L}]+$/gu, "");
  const cores = unit.length - core.length <= decoration_length_max ? [core, plain(core)] : [];
  return [unit, plain(unit), ...cores].some(isListed);
};

/** The shortest text that, repeated, is this one. */
const repeatedPart = (text: string): string => text.slice(0, (text + text).indexOf(text, 1));

const rows = "1234567890 qwertyuiop asdfghjkl zxcvbnm qwertzuiop yxcvbnm 1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/";
const rowsBackwards = Array.from(rows).toReversed().join("");

/** `abcdefghijkl`, `987654321098`, `qwertyuiopas`: each character follows from the one before. */
const isRun = (text: string): boolean => {
  const [, ...rest] = text;
  const steps = rest.filter((one, at) => !follows(text[at] ?? "", one));
  return text.length > 0 && steps.length <= 1;
};

const follows = (before: string, one: string): boolean => {
  const step = (one.codePointAt(0) ?? 0) - (before.codePointAt(0) ?? 0);
  return Math.abs(step) <= 1 || rows.includes(before + one) || rowsBackwards.includes(before + one);
};
