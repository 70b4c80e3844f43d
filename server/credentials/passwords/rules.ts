/**
 * What a password must be (NIST SP 800-63B-4 §3.1.1.2): long enough, and none of those that are guessed first. No kinds of characters are
 * asked for, nothing expires, and every character is allowed that people can type.
 */
import type { FieldError } from "../../../core/faults.ts";
import { folded, isCommon } from "./common.ts";
import {
  hasForbiddenCharacter,
  isTooLong,
  lengthOf,
  password_length_floor,
  password_length_max,
  preparedPassword,
} from "./password-text.ts";

export type PasswordAsked = {
  /** By the tenant's policy; never below `password_length_floor`. */
  readonly lengthMin: number;
  readonly email: string;
  readonly displayName: string;
  /** What the deployment and the tenant are called: part of a guess. */
  readonly serviceNames?: readonly string[];
};

/** `reason` is for who says it in another language; `message` is in English. */
export type PasswordProblem = FieldError & {
  readonly reason: "too_short" | "too_long" | "not_text" | "common" | "about_you";
};

/** Words shorter than this are in too many good passwords by chance. */
const word_length_min = 4;

/** Empty where there is nothing wrong. Of several things wrong, the first is told: the others may be gone with it. */
export const passwordProblems = (text: string, asked: PasswordAsked): readonly PasswordProblem[] => {
  const problem = problemOf(text, asked);
  return problem === undefined ? [] : [{ path: "password", ...problem }];
};

const problemOf = (text: string, asked: PasswordAsked): Omit<PasswordProblem, "path"> | undefined => {
  if (isTooLong(text)) return { reason: "too_long", message: `is longer than ${password_length_max} characters` };
  const prepared = preparedPassword(text);
  const lengthMin = Math.max(asked.lengthMin, password_length_floor);
  if (lengthOf(prepared) < lengthMin)
    return { reason: "too_short", message: `is shorter than ${lengthMin} characters` };
  if (hasForbiddenCharacter(prepared))
    return { reason: "not_text", message: "holds a control character, or one that Unicode does not have" };
  if (isCommon(prepared)) return { reason: "common", message: "is one of the passwords that are guessed first" };
  const rest = without(folded(prepared), wordsAbout(asked));
  return rest !== undefined && (lengthOf(rest) < password_length_floor || isCommon(rest))
    ? { reason: "about_you", message: "is little more than your name, your address or the name of this service" }
    : undefined;
};

/** The words somebody who knows the account would try. */
const wordsAbout = ({ email, displayName, serviceNames = [] }: PasswordAsked): readonly string[] => {
  const [local = "", domain = ""] = email.split("@");
  const texts = [email, local, domain, displayName, "countersign", ...serviceNames].map(folded);
  const words = texts.flatMap((one) => [one, one.replaceAll(/[^\p{L}\p{N}]/gu, ""), ...one.split(/[^\p{L}\p{N}]+/u)]);
  return [...new Set(words)]
    .filter((word) => word.length >= word_length_min)
    .toSorted((one, other) => other.length - one.length);
};

/** The text without these words; undefined where it has none of them. */
const without = (text: string, words: readonly string[]): string | undefined => {
  const rest = words.reduce((left, word) => left.replaceAll(word, ""), text);
  return rest === text ? undefined : rest;
};
