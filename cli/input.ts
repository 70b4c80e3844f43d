/** JSON that a command is given: as an argument, in a file, or on standard input. */
import { readFileSync } from "node:fs";
import { Failure } from "./failure.ts";

/** Reads the file, or standard input for `-`. */
export const readJsonFile = (file: string): unknown => {
  const from = file === "-" ? "standard input" : `\`${file}\``;
  return parse(readText(file, from), from);
};

/** The argument itself, or standard input for `-`. */
export const readJsonArgument = (text: string): unknown =>
  text === "-" ? readJsonFile("-") : parse(text, `\`${text}\``);

const readText = (file: string, from: string): string => {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new Failure(`${from} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
};

const parse = (text: string, from: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Failure(`${from} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
};
