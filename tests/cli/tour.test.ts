/** `npm run tour`: the story a new user sees first. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startServer } from "../support/server-process.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

const tour = async (env: Readonly<Record<string, string>>) => {
  const child = spawn(process.execPath, ["tools/tour.ts"], { cwd: root, env: { ...process.env, ...env } });
  const closed = once(child, "close");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await closed) as [number];
  return { code, stdout, stderr };
};

test("the tour plays to its end against a running server, with every request and answer", async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  const { code, stdout, stderr } = await tour(server.env);
  assert.equal(code, 0, stderr);
  assert.equal(stdout.match(/^\$ curl /gm)?.length, 14);
  assert.match(stdout, /"decision": true/);
  assert.match(stdout, /"decision": false[^]*no role or grant gives/);
  assert.match(stdout, /^\$ npx countersign grpc CheckPermission [^]*"allowed": true/m);
  assert.match(stdout, /"active": false/);
  assert.match(stdout, /countersign\.api-token\.created\.v1/);
});

test("without a server the tour says how to start one, and fails", async () => {
  const { code, stderr } = await tour({ COUNTERSIGN_ISSUER: "http://localhost:1" });
  assert.equal(code, 1);
  assert.match(stderr, /no server runs at http:\/\/localhost:1: start one with `npm start`/);
});
