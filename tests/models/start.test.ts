/** A server that is started with another access model than the one in force: when it starts, and when it says why it does not. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startDeployment } from "../oauth/deployment.ts";
import { type CliRun, runCli, startRefused, startServer } from "../support/server-process.ts";
import { openFolder, type Parts } from "./kit.ts";

const folder = await openFolder();
const first = await folder.model("first");
const deployment = await startDeployment({ env: { COUNTERSIGN_MODEL: first } });
after(async () => {
  await deployment.close();
  await folder.remove();
});

const acme = await deployment.tenant("Acme");
await acme.account({ role: "clerk" });

const run = (...args: readonly string[]): Promise<CliRun> => runCli(["model", ...args], deployment.env);
let number = 0;
const variant = (parts: Parts): Promise<string> => folder.model(`variant-${(number += 1)}`, parts);

const inForce = async (): Promise<string> =>
  (await deployment.sql<{ version: string }>("select version from model_versions where active"))[0]?.version ?? "";

test("a server whose file would widen rights does not start, opens no port, and says what to run", async () => {
  const wider = await variant({ clerk: '{ permissions: ["clients:read", "notes:read", "accounts:read"] }' });
  const { code, output, listened } = await startRefused({ env: { ...deployment.env, COUNTERSIGN_MODEL: wider } });
  assert.equal(code, 1);
  assert.equal(listened, false);
  assert.match(output, /is not the one in force \([0-9a-f]{16}\), and would change what people may do:/);
  assert.match(output, /widens +roles\.clerk\.permissions gains `accounts:read`/);
  assert.ok(output.includes(`countersign model diff ${wider}`), output);
});

test("a server whose file takes rights away does not start either: that is for `apply`, which then needs no flag", async () => {
  const less = await variant({ clerk: '{ permissions: ["clients:read"] }' });
  const { output } = await startRefused({ env: { ...deployment.env, COUNTERSIGN_MODEL: less } });
  assert.match(output, /narrows +roles\.clerk\.permissions loses `notes:read`/);
  const { code, stdout } = await run("apply", less, "--dry-run");
  assert.equal(code, 0);
  assert.match(stdout, /nothing was changed$/m);
});

test("a file that concerns nobody is taken up at start, and the one before it may still be started with", async () => {
  const before = await inForce();
  const harmless = await variant({
    title: "Notes and a cook",
    extraRoles: '  guard: { permissions: ["organizations:read"] }\n  cook: { permissions: ["*"] }\n',
  });
  assert.equal((await run("diff", harmless)).code, 0);
  const next = await startServer({ env: { ...deployment.env, COUNTERSIGN_MODEL: harmless } });
  const taken = await inForce();
  assert.notEqual(taken, before);
  const old = await startServer({ env: deployment.env });
  assert.match(old.output(), /works with the access model that was in force before/);
  assert.equal(await inForce(), taken);
  assert.equal(await old.stop(), 0);
  assert.equal(await next.stop(), 0);
  const back = await run("apply", first);
  assert.equal(back.code, 0, back.stderr);
  assert.equal(await inForce(), before);
});

test("with no overlap, a server with the model before is refused at once", async () => {
  const tighter = await variant({ clerk: '{ permissions: ["clients:read"] }' });
  const { code, stderr } = await run("apply", tighter, "--overlap-seconds", "0");
  assert.equal(code, 0, stderr);
  const { output } = await startRefused({ env: deployment.env });
  assert.match(output, /widens +roles\.clerk\.permissions gains `notes:read`/);
});
