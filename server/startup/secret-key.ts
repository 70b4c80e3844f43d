/** The deployment's secret key: given in the settings, or, for the embedded database alone, generated beside it. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { readSecretKey, type SecretKey } from "../platform/keys/seal.ts";
import { randomOctets } from "../platform/random.ts";
import { StartRefused } from "./refusal.ts";

const fileName = "secret.key";
const keyOctets = 32;

export const loadSecretKey = (config: Config): SecretKey => {
  if (config.secretKey !== "") {
    const key = readSecretKey(config.secretKey);
    if (key === undefined)
      throw new StartRefused([
        "COUNTERSIGN_SECRET_KEY must be 32 bytes in base64 or hex; make one with: openssl rand -base64 32",
      ]);
    return key;
  }
  const file = join(config.dataDir, fileName);
  const stored = readStored(file);
  if (stored !== undefined) {
    const key = readSecretKey(stored.trim());
    if (key === undefined)
      throw new StartRefused([`\`${file}\` holds no key of 32 bytes; restore it from where the database came from`]);
    return key;
  }
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const text = randomOctets(keyOctets).toString("base64");
  writeFileSync(file, `${text}\n`, { mode: 0o600, flag: "wx" });
  return { octets: Buffer.from(text, "base64") };
};

const readStored = (file: string): string | undefined => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
};
