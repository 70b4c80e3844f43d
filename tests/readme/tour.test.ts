/** `npm run tour`, as it is typed: through the set-up, on the machine's own Node. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startServer } from "../support/server-process.ts";
import { inShell } from "./page.ts";

test("the tour ends well, and the token it revoked is not active any more", async (t) => {
  const server = await startServer();
  t.after(() => server.stop());

  const { code, stdout, stderr } = await inShell(["npm", "run", "--silent", "tour"], server.env);

  assert.equal(code, 0, stderr);
  const [before = "", after = ""] = stdout.split(":revoke");
  assert.deepEqual(answersOf(before), ["true", "true"]);
  assert.deepEqual(answersOf(after), ["false"]);
  assert.match(stdout, /"decision": true/);
  assert.match(stdout, /"decision": false[^]*no role or grant gives/);
  assert.match(stdout, /^\$ npx countersign grpc CheckPermission [^]*"allowed": true/m);
  assert.match(after, /countersign\.api-token\.created\.v1[^]*countersign\.token\.revoked\.v1/);
});

/** What introspection said, each time it was asked. */
const answersOf = (story: string): readonly string[] =>
  [...story.matchAll(/\/oauth\/introspect"[^]*?"active": (true|false)/g)].map((match) => match[1] ?? "");
