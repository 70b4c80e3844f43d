/** Faults in words, beside the field they are about where there is one. */
import { type Fault, type FieldError, faults } from "../../core/faults.ts";
import { isMessageKey, type Values, type Words } from "../messages/messages.ts";
import type { Html } from "./html.ts";
import { notice } from "./kit.ts";

/** What is wrong, by field; `form` is about all of it. */
export type Problems = Readonly<Partial<Record<string, string>>>;

const minuteSeconds = 60;

/** In words that say nothing about whether an account exists. `otherwise` is for what the page knows best. */
export const inWords = (words: Words, failure: Fault, otherwise?: string): string => {
  if (failure.fault === "rate_limited" && failure.retryAfterSeconds !== undefined)
    return words("problem.too_many_minutes", { count: Math.ceil(failure.retryAfterSeconds / minuteSeconds) });
  if (failure.fault === "rate_limited") return words("problem.too_many");
  if (faults[failure.fault].status >= 500) return words("problem.unavailable");
  return otherwise ?? words("problem.general");
};

/** `password.too_short` and the like, for what is said about fields. */
const fieldInWords = (words: Words, { path, ...error }: FieldError, values: Values): string => {
  const key = `${path}.${"reason" in error ? String(error.reason) : "wrong"}`;
  return isMessageKey(key) ? words(key, values) : words("problem.general");
};

export const problemsOf = (words: Words, failure: Fault, values: Values = {}, otherwise?: string): Problems =>
  failure.errors === undefined || failure.errors.length === 0
    ? { form: inWords(words, failure, otherwise) }
    : Object.fromEntries(failure.errors.map((error) => [error.path, fieldInWords(words, error, values)]));

export const formProblem = (problems: Problems): Html | undefined =>
  problems["form"] === undefined ? undefined : notice("error", problems["form"]);

/** As the database takes it, and as people write it; whether mail gets there only mail can tell. */
const emailForm = /^[^\s@<>"(),:;[\]\\]+@[^\s@<>"(),:;[\]\\]+\.[^\s@<>"(),:;[\]\\.]+$/;
const emailLengthMax = 254;

export const readEmail = (text: string | undefined): string | undefined => {
  const trimmed = (text ?? "").trim();
  return trimmed.length <= emailLengthMax && emailForm.test(trimmed) ? trimmed : undefined;
};

const displayNameLengthMax = 200;

export const readDisplayName = (text: string | undefined): string | undefined => {
  const trimmed = (text ?? "").trim().replaceAll(/\s+/g, " ");
  const isText = trimmed !== "" && trimmed.length <= displayNameLengthMax && !/\p{Cc}/u.test(trimmed);
  return isText ? trimmed : undefined;
};
