/**
 * The verbs of all operations. They follow from the server's declarations, but loading those means loading most of the server, so what
 * follows from them stands in verbs.json, which `npm run generate` writes. Only those of an access model of one's own are found out at
 * each start.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { readConfig } from "../../server/config.ts";
import { collectionOf, type Verb } from "./verb.ts";

/** What verbs.json holds. */
export type Generated = {
  /** SHA-256, in hex, of the text of the model that `ofModel` follows from: the one that ships. */
  readonly model: string;
  readonly ofModel: readonly Verb[];
  readonly ofEveryModel: readonly Verb[];
};

/** A model that was edited under its own name is another one; a checkout that turns line ends into CRLF changes nothing. */
export const modelDigest = (text: string): string =>
  createHash("sha256").update(text.replaceAll("\r\n", "\n")).digest("hex");

/**
 * The verbs that `word` may mean: those of the collection it names, or else all there are. Undefined where the settings or the model do
 * not allow to know them.
 */
export const verbsFor = async (word: string | undefined): Promise<readonly Verb[] | undefined> => {
  const read = readConfig(process.env);
  if ("errors" in read) return undefined;
  const { ofEveryModel, ofModel, model } = generated();
  const named = ofEveryModel.filter((verb) => collectionOf(verb) === word);
  if (named.length > 0) return named;
  const perimeters = isShipped(read.config.model, model) ? ofModel : await ofOwnModel(read.config.model);
  if (perimeters === undefined) return undefined;
  const its = perimeters.filter((verb) => collectionOf(verb) === word);
  return its.length > 0 ? its : [...perimeters, ...ofEveryModel];
};

const ofOwnModel = async (path: string): Promise<readonly Verb[] | undefined> => {
  const { perimeterVerbs } = await import("./perimeter-verbs.ts");
  return perimeterVerbs(path);
};

const generated = (): Generated =>
  JSON.parse(readFileSync(new URL("../verbs.json", import.meta.url), "utf8")) as Generated;

const isShipped = (path: string, digest: string): boolean => {
  try {
    const file = path === "" ? new URL("../../models/default.yaml", import.meta.url) : path;
    return modelDigest(readFileSync(file, "utf8")) === digest;
  } catch {
    return false;
  }
};
