/** Reads the access model file and names the version of what it says. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Model } from "../../core/model/model.ts";
import { formatModelError, readModel } from "../../core/model/read-model.ts";
import { StartRefused } from "./refusal.ts";

export type LoadedModel = {
  readonly model: Model;
  /** Of what the file says: two that say the same have the same. */
  readonly version: string;
  /**
   * Of what permission sets mean: their positions follow from the server's own collections too, which grow from release to release. Whatever
   * outlives the process and holds such a set is kept under this, so that two releases over one cache never read each other's.
   */
  readonly setVersion: string;
  readonly path: string;
};

const shippedModel = fileURLToPath(new URL("../../models/default.yaml", import.meta.url));
/** Hex characters of SHA-256 that name a version: enough never to meet by accident. */
const versionLength = 16;

/** `path` is empty for the model that ships. Two files that say the same have the same version. */
export const loadModel = (path: string): LoadedModel => {
  const file = path === "" ? shippedModel : path;
  const read = readModel(readText(file), file);
  if ("errors" in read) throw new StartRefused(read.errors.map(formatModelError));
  const { model } = read;
  const version = digest(model.canonical);
  return { model, version, setVersion: digest(version, ...model.permissions), path: file };
};

const digest = (...parts: readonly string[]): string =>
  createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, versionLength);

const readText = (file: string): string => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new StartRefused([`COUNTERSIGN_MODEL names \`${file}\`, which cannot be read; models/ holds examples`]);
  }
};
