/** The one source of randomness: the operating system's, through node:crypto. */
import { randomBytes, randomInt, randomUUID } from "node:crypto";

/** A version 4 UUID. The id type is the caller's to name. */
export const newId = <T extends string>(): T => randomUUID() as T;

/** `count` unpredictable bytes. */
export const randomOctets = (count: number): Buffer => randomBytes(count);

/** `length` characters drawn evenly from the alphabet. */
export const randomText = (alphabet: string, length: number): string =>
  Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join("");

/** Names a request in logs and answers: unique, cheap, and no secret. A random part for the process, and a number. */
export const newRequestId = (): string => `${processPart}${(++requests).toString(36)}`;

const processPart = `${randomBytes(9).toString("hex")}-`;
let requests = 0;
