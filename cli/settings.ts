/** The settings as the server would read them, for commands that need them: a mistake in one ends the command, with every mistake named. */
import { type Config, readConfig } from "../server/config.ts";
import { Failure } from "./failure.ts";

/** Throws a `Failure` that lists what is wrong. */
export const readSettings = (): Config => {
  const read = readConfig(process.env);
  if ("config" in read) return read.config;
  throw new Failure("the settings are wrong:", ...read.errors.map((error) => `  - ${error}`));
};
