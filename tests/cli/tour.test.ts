/** `npm run tour` where no server runs; with one it is played in tests/readme/tour.test.ts. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

const tour = async (env: Readonly<Record<string, string>>) => {
  const child = spawn(process.execPath, ["tools/tour.ts"], { cwd: root, env: { ...process.env, ...env } });
  const closed = once(child, "close");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await closed) as [number];
  return { code, stdout, stderr };
};

test("without a server the tour says how to start one, and fails", async () => {
  const { code, stderr } = await tour({ COUNTERSIGN_ISSUER: "http://localhost:1" });
  assert.equal(code, 1);
  assert.match(stderr, /no server runs at http:\/\/localhost:1: start one with `npm start`/);
});
