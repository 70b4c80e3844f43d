/** The file in the data directory that the first start leaves its credentials in. Apart from what makes them, so that reading it loads little. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type Bootstrap = {
  readonly issuer: string;
  readonly setup_url: string;
  readonly client_id: string;
  readonly client_secret: string;
  readonly expires_at: string;
};

const fileName = "bootstrap.json";

export const bootstrapFile = (dataDir: string): string => join(dataDir, fileName);

/** Mode 0600 also where an older file was more open. */
export const writeBootstrap = (dataDir: string, written: Bootstrap): void => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const file = bootstrapFile(dataDir);
  writeFileSync(file, `${JSON.stringify(written, null, 2)}\n`, { mode: 0o600 });
  chmodSync(file, 0o600);
};

/** What an earlier start wrote, if it is for this issuer and still good. */
export const readBootstrap = (dataDir: string, issuer: string, now: number): Bootstrap | undefined => {
  try {
    const stored = JSON.parse(readFileSync(bootstrapFile(dataDir), "utf8")) as Bootstrap;
    return stored.issuer === issuer && Date.parse(stored.expires_at) > now ? stored : undefined;
  } catch {
    return undefined;
  }
};
