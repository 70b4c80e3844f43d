// Security test 4: limits count atomically, for all processes together; a lockout is no weapon; and who called is not what they say.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, test } from "node:test";
import { createClient } from "redis";
import { isFault } from "../../core/faults.ts";
import { openRedis } from "../../server/platform/cache/redis-connection.ts";
import { silentLog } from "../../server/platform/log.ts";
import { openLimits } from "../../server/platform/limits/limits.ts";
import { limitTable } from "../../server/platform/limits/table.ts";
import { addressClass, addressReader } from "../../server/platform/web/address.ts";
import { startRedis } from "../support/redis.ts";
import { countGuess } from "../../server/sign-in/guess-limits.ts";
import { done, fails, openSignInKit } from "./sign-in-kit.ts";

const kit = await openSignInKit();
after(kit.close);
const server = await startRedis();
after(() => server.stop());
const key = randomBytes(32);
const openProcess = async () => {
  const redis = await openRedis({ url: server.url, log: silentLog });
  after(redis.close);
  return { redis, limits: openLimits({ redis, key }) };
};
const [here, there] = [await openProcess(), await openProcess()];
const few = limitTable["second-factor.account"];

test("of any number of attempts at once, in two processes, as many pass as there are points", async () => {
  const takes = await Promise.all(
    Array.from({ length: 50 }, (_, at) => (at % 2 === 0 ? here : there).limits.take("second-factor.account", "a")),
  );
  assert.equal(takes.filter((refused) => refused === undefined).length, few.points);
  const refused = takes.filter(isFault);
  assert.ok(refused.every((one) => one.fault === "rate_limited" && (one.retryAfterSeconds ?? 0) > 0));
  assert.ok(refused.some((one) => one.retryAfterSeconds === few.block.seconds));
});

test("a key's block lasts longer each time, up to a bound, until it is forgiven", async () => {
  const client = createClient({ url: server.url });
  await client.connect();
  const spend = async () => {
    for (let taken = 0; taken < few.points; taken += 1)
      assert.equal(await here.limits.take("second-factor.account", "b"), undefined);
    return (await there.limits.take("second-factor.account", "b"))?.retryAfterSeconds ?? 0;
  };
  // The time a block takes is not waited for: the block is taken away, and what it was is remembered.
  const liftBlock = async () => {
    for (const name of await client.keys("limit:second-factor.account:*")) await client.del(name);
  };
  const waits: number[] = [];
  for (let time = 0; time < 10; time += 1) {
    waits.push(await spend());
    await liftBlock();
  }
  assert.deepEqual(waits.slice(0, 4), [60, 120, 240, 480]);
  assert.equal(waits.at(-1), few.block.secondsMax);
  await here.limits.forgive("second-factor.account", "b");
  assert.equal(await spend(), few.block.seconds);
  await client.close();
});

test("what is given back does not count, and looking takes nothing", async () => {
  for (let time = 0; time < 3 * few.points; time += 1) {
    assert.equal(await here.limits.take("second-factor.account", "c"), undefined);
    await here.limits.giveBack("second-factor.account", "c");
  }
  for (let time = 0; time < few.points; time += 1) {
    assert.equal(await here.limits.check("second-factor.account", "c"), undefined);
    await here.limits.take("second-factor.account", "c");
  }
  assert.ok(isFault(await here.limits.check("second-factor.account", "c")));
});

test("what is counted names nobody: keys are hashed under the deployment's key", async () => {
  await here.limits.take("mail.recipient", "ada@acme.example");
  const client = createClient({ url: server.url });
  await client.connect();
  const names = await client.keys("limit:*");
  await client.close();
  assert.ok(names.length > 0);
  assert.doesNotMatch(names.join("\n"), /ada|acme/);
});

test("security test 15: with the cache gone, each process counts by itself, and refuses all the same", async () => {
  const own = await startRedis();
  const redis = await openRedis({ url: own.url, log: silentLog });
  const limits = openLimits({ redis, key });
  await limits.take("second-factor.account", "d");
  await own.kill();
  const takes = await Promise.all(Array.from({ length: 20 }, () => limits.take("second-factor.account", "d")));
  assert.equal(takes.filter((refused) => refused === undefined).length, few.points);
  await redis.close();
  await own.stop();
});

test("guesses at a password are counted before they are looked at: 40 at once try no more than the limit", async () => {
  const ada = await kit.human(await kit.bench.tenant());
  const browser = kit.browser("203.0.113.1");
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, at) => kit.signIn(browser, ada, { password: `wrong ${at}` })),
  );
  const looked = answers.filter((one) => isFault(one) && one.fault === "invalid_credentials");
  assert.equal(looked.length, limitTable["sign-in.account-address"].points);
  const late = fails(await kit.signIn(browser, ada), "rate_limited");
  assert.ok((late.retryAfterSeconds ?? 0) > 0);
});

test("an address that nobody has is locked like any other, and with the same words", async () => {
  const ada = await kit.human(await kit.bench.tenant());
  const answersFor = async (email: string, address: string) => {
    const answers: unknown[] = [];
    for (let time = 0; time <= limitTable["sign-in.account-address"].points + 1; time += 1)
      answers.push(await kit.signIn(kit.browser(address), { email }, { password: "wrong" }));
    return answers;
  };
  assert.deepEqual(
    await answersFor(ada.email, "203.0.113.2"),
    await answersFor("nobody-here@acme.example", "203.0.113.3"),
  );
});

test("a stranger who guesses from everywhere locks the account's door for strangers, and not for its human's own browser", async () => {
  const ada = await kit.human(await kit.bench.tenant());
  const hers = kit.browser("198.51.100.1");
  done(await kit.signIn(hers, ada));
  let refused = false;
  for (let at = 0; !refused && at <= limitTable["sign-in.account"].points + 1; at += 1) {
    const answer = await countGuess(kit.needs, ada.email, kit.browser(`203.0.113.${10 + at}`).visit());
    refused = isFault(answer) && answer.fault === "rate_limited";
  }
  assert.ok(refused);
  fails(await kit.signIn(kit.browser("203.0.113.200"), ada), "rate_limited");
  done(await kit.signIn(hers, ada));
  // The cookie that says so is worth nothing for another account, or made up.
  const bob = await kit.human(await kit.bench.tenant());
  const forged = kit.browser("203.0.113.201");
  forged.take(["__Host-countersign-browser=AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA"]);
  fails(await kit.signIn(forged, ada), "rate_limited");
  const borrowed = kit.browser("203.0.113.202");
  done(await kit.signIn(borrowed, bob));
  fails(await kit.signIn(borrowed, ada), "rate_limited");
});

test("one address that tries many accounts runs out, even where it can open one of them", async () => {
  const ada = await kit.human(await kit.bench.tenant());
  const from = "203.0.113.250";
  let refused = false;
  for (let at = 0; !refused && at <= limitTable["sign-in.address"].points + 1; at += 1) {
    if (at % 25 === 0 && at < limitTable["sign-in.address"].points) done(await kit.signIn(kit.browser(from), ada));
    const answer = await countGuess(kit.needs, `someone-${at}@acme.example`, kit.browser(from).visit());
    refused = isFault(answer) && answer.fault === "rate_limited";
  }
  assert.ok(refused);
});

const asked = (peer: string, forwarded?: string) =>
  ({
    headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded },
    socket: { remoteAddress: peer },
  }) as never;

test("X-Forwarded-For is believed of configured proxies only, from the right, and no further than they reach", () => {
  const read = addressReader(["10.0.0.0/8", "2001:db8:1::/48", "192.0.2.7"]);
  for (const [peer, forwarded, expected] of [
    ["203.0.113.9", "1.2.3.4", "203.0.113.9"],
    ["10.1.2.3", undefined, "10.1.2.3"],
    ["10.1.2.3", "203.0.113.9", "203.0.113.9"],
    ["10.1.2.3", "1.2.3.4, 203.0.113.9", "203.0.113.9"],
    ["10.1.2.3", "1.2.3.4, 203.0.113.9, 192.0.2.7 , 10.9.9.9", "203.0.113.9"],
    ["::ffff:10.1.2.3", "::ffff:203.0.113.9", "203.0.113.9"],
    ["2001:db8:1::5", "2001:DB8:2:0:0:0:0:1", "2001:db8:2::1"],
    ["10.1.2.3", "10.1.1.1, 10.1.1.2", "10.1.1.1"],
    // What a client wrote itself stands left of what the proxy wrote, and is never read.
    ["10.1.2.3", "rubbish, 203.0.113.9", "203.0.113.9"],
  ] as const)
    assert.equal(read(asked(peer, forwarded)), expected, `${peer} ${forwarded}`);
});

test("a malformed X-Forwarded-For fails closed: it counts as the proxy's own", () => {
  const read = addressReader(["10.0.0.0/8"]);
  for (const forwarded of [
    "",
    ",",
    "rubbish",
    "1.2.3",
    "0x7f.1",
    "010.1.1.1",
    "1.2.3.4:80",
    "fe80::1%eth0",
    "2130706433",
    "1.2.3.4, ",
  ])
    assert.equal(read(asked("10.1.2.3", forwarded)), "10.1.2.3", forwarded);
  for (const setting of ["10.0.0.0/33", "10.0.0", "10.0.0.0/8/8", "proxy.example", "::/129", "10.0.0.0/-1"])
    assert.throws(() => addressReader([setting]), /neither an address nor a range/);
});

test("one customer's IPv6 network is one place", () => {
  assert.equal(addressClass("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  assert.equal(addressClass("192.0.2.1"), "192.0.2.1");
});
