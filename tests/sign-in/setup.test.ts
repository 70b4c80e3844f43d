// The first human: a link that makes one super admin, once.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { isFault } from "../../core/faults.ts";
import { hostTenant } from "../../core/ids.ts";
import { bootstrap } from "../../server/startup/bootstrap.ts";
import { setUpFirstHuman } from "../../server/sign-in/set-up-first-human.ts";
import { done, fails, openSignInKit, password } from "./sign-in-kit.ts";

const kit = await openSignInKit();
after(kit.close);
const { bench, needs } = kit;
let places = 0;
const setUp = (setup: string, email: string, more: object = {}) => {
  const request = kit.browser(`10.2.0.${(places += 1)}`).visit();
  return setUpFirstHuman(needs, { setup, email, displayName: "Root", password, locale: "en", request, ...more });
};
const newLink = async () =>
  new URL((await bootstrap(bench.engine.platform, "http://localhost:8080")).setup_url).hash.slice(1);

test("the setup link makes a super admin of the host with a proven address, who is signed in", async () => {
  const link = await newLink();
  const { session, next } = done(await setUp(link, "root@ops.example"));
  assert.deepEqual([session.home, session.state, next], [hostTenant, "full", "done"]);
  const sql = "select role_name as role from role_assignments where tenant_id = $1 and principal_id = $2";
  assert.deepEqual(await bench.sql(hostTenant, "test.roles", sql, [hostTenant, session.user]), [
    { role: "super_admin" },
  ]);
  assert.equal(done(await kit.signIn(kit.browser(), { email: "root@ops.example" })).session.user, session.user);
  fails(await setUp(link, "second@ops.example"), "link_expired");
});

test("security test 2: of 20 uses of one setup link at once, one makes the human", async () => {
  const link = await newLink();
  const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => setUp(link, `racer-${at}@ops.example`)));
  assert.equal(answers.filter((answer) => !isFault(answer)).length, 1);
});

test("what cannot be done leaves the link as it is; a link that is none hears nothing else", async () => {
  const link = await newLink();
  fails(await setUp(link, "no address"), "invalid_argument");
  fails(await setUp(link, "weak@ops.example", { password: "12345678" }), "invalid_argument");
  done(await setUp(link, "taken@ops.example"));
  const another = await newLink();
  fails(await setUp(another, "TAKEN@ops.example"), "already_exists");
  done(await setUp(another, "free@ops.example"));
  for (const wrong of ["", "x", link, `${link}x`, "x".repeat(100_000)])
    fails(await setUp(wrong, "no address"), "link_expired");
});

test("a setup link is good for a day", async () => {
  const link = await newLink();
  bench.clock.ms += 24 * 3_600_000 + 1;
  fails(await setUp(link, "late@ops.example"), "link_expired");
});
