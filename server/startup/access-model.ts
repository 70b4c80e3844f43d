/** Reads the access model file and names the version of what it says. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Model } from "../../core/model/model.ts";
import { formatModelError, readModel } from "../../core/model/read-model.ts";
import { StartRefused } from "./refusal.ts";

export type LoadedModel = { readonly model: Model; readonly version: string; readonly path: string };

const shippedModel = fileURLToPath(new URL("../../models/default.yaml", import.meta.url));
/** Hex characters of SHA-256 that name a version: enough never to meet by accident. */
const versionLength = 16;

/** `path` is empty for the model that ships. Two files that say the same have the same version. */
export const loadModel = (path: string): LoadedModel => {
  const file = path === "" ? shippedModel : path;
  const read = readModel(readText(file), file);
  if ("errors" in read) throw new StartRefused(read.errors.map(formatModelError));
  const version = createHash("sha256").update(read.model.canonical).digest("hex").slice(0, versionLength);
  return { model: read.model, version, path: file };
};

const readText = (file: string): string => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new StartRefused([`COUNTERSIGN_MODEL names \`${file}\`, which cannot be read; models/ holds examples`]);
  }
};
