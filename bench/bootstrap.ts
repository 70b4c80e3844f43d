/** The first credentials of a server on PostgreSQL, got as an operator gets them: `countersign bootstrap`. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const cli = fileURLToPath(new URL("../cli/main.ts", import.meta.url));

export const bootstrap = async (
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly client_id: string; readonly client_secret: string }> => {
  const { stdout } = await promisify(execFile)(process.execPath, [cli, "bootstrap"], {
    env: { ...process.env, ...environment },
  });
  return JSON.parse(stdout);
};
