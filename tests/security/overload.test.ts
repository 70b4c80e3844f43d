// security.md test 14 for people who sign in: past what can be hashed the answer is a quick no, the rest of the server goes on, and it passes.
import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { after, test } from "node:test";
import { monotonicMs } from "../../server/platform/clock.ts";
import { password, person } from "../browser/people.ts";
import { startDeployment } from "../oauth/deployment.ts";
import { grantsKit } from "../oauth/grants-kit.ts";
import { type Answer, formOf } from "../oauth/http.ts";
import { openBrowser } from "../support/browser.ts";

const deployment = await startDeployment({ servers: 2, env: { COUNTERSIGN_TRUSTED_PROXIES: "127.0.0.1" } });
after(deployment.close);
const acme = await deployment.tenant();
const account = await acme.account({ role: "owner" });
const token = await deployment.token(account);

const state = { nth: 0 };
/** Everybody comes from somewhere else, so that no limit stands before the hasher. */
const from = () => {
  state.nth += 1;
  return { "x-forwarded-for": `10.${state.nth >> 16}.${(state.nth >> 8) & 255}.${state.nth & 255}` };
};
const page = openBrowser(deployment.issuer, deployment.base());
await page.get("/sign-in");
await page.submit({ email: "nobody@acme.example" });
const form = page.forms().find(({ fields }) => "password" in fields) ?? assert.fail("no form");
const cookie = Array.from(page.cookies, ([name, value]) => `${name}=${value}`).join("; ");

type Timed = { readonly answer: Answer; readonly ms: number };
const timed = async (asking: () => Promise<Answer>): Promise<Timed> => {
  const begun = monotonicMs();
  const answer = await asking();
  return { answer, ms: monotonicMs() - begun };
};
/** On a connection of its own: the tests' usual client keeps to 64 at once, and a flood does not. */
const signIn = (email: string, text = password, on = 0): Promise<Timed> =>
  timed(async () => {
    const { body = "", headers } = formOf({ ...form.fields, email, password: text });
    const answer = await fetch(deployment.base(on) + form.action, {
      method: "POST",
      redirect: "manual",
      headers: { ...headers, ...from(), cookie },
      body,
    });
    const retry = answer.headers.get("retry-after");
    const found = retry === null ? {} : { "retry-after": retry };
    return {
      status: answer.status,
      headers: found,
      text: await answer.text(),
      json: () => assert.fail("it is a page"),
    };
  });
const p99 = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0;

/** What a place's queue takes at its slowest, on a machine that does other things as well. */
const answeredWithinMs = 15_000;

test("a flood of passwords: who cannot be hashed is told 503 with Retry-After, at once; introspection goes on meanwhile; then all is well", async () => {
  const flood = 128 * Math.min(availableParallelism(), 3) + 300;
  const asked: Promise<Timed>[] = [];
  for (let nth = 0; nth < flood; nth += 1) asked.push(signIn(`nobody-${nth}@acme.example`, "wrong", nth % 2));
  const over = { done: false };
  const answers = Promise.all(asked).finally(() => (over.done = true));
  const meanwhile: Timed[] = [];
  while (!over.done) {
    const one = await timed(() =>
      deployment.form("/oauth/introspect", { token }, { authorization: `Bearer ${token}` }, 1),
    );
    meanwhile.push(one);
  }
  const all = await answers;
  const counts = Map.groupBy(all, ({ answer }) => answer.status);
  assert.deepEqual(
    [...counts.keys()].toSorted((a, b) => a - b),
    [403, 503],
    [...counts].map(([status, { length }]) => `${status}: ${length}`).join(),
  );
  for (const { answer } of counts.get(503) ?? []) assert.ok(Number(answer.headers["retry-after"]) > 0);
  assert.ok(p99(all.map(({ ms }) => ms)) < answeredWithinMs, `${p99(all.map(({ ms }) => ms))} ms`);
  // Of those let in, the last one waits for the whole queue; who is turned away waits for nothing but the machine.
  assert.ok(meanwhile.length >= 3);
  for (const { answer } of meanwhile) assert.equal(answer.status, 200, answer.text);
  assert.ok(p99(meanwhile.map(({ ms }) => ms)) < 2_000, `introspection took ${p99(meanwhile.map(({ ms }) => ms))} ms`);

  const ada = await person(deployment, acme, "ada@acme.example");
  for (const on of [0, 1]) {
    const { answer } = await signIn(ada.email, password, on);
    assert.equal(answer.status, 303, answer.text.slice(0, 300));
  }
});

test("what was turned away does not count as a guess", async () => {
  const grace = await person(deployment, acme, "grace@acme.example");
  // All of one address, whose limit is ten wrong ones: the right password is tried by far more at once than can be hashed.
  const address = { "x-forwarded-for": "203.0.113.77" };
  const sent = formOf({ ...form.fields, email: grace.email, password });
  const crowd = Array.from({ length: 400 }, () => signIn("nobody@acme.example", "wrong", 0));
  const tries = await Promise.all(
    Array.from({ length: 8 }, () =>
      deployment.send(form.action, { ...sent, headers: { ...sent.headers, ...address, cookie } }, 0),
    ),
  );
  await Promise.all(crowd);
  for (const { status } of tries) assert.ok([303, 503].includes(status), `${status}`);
  const late = await deployment.send(form.action, { ...sent, headers: { ...sent.headers, ...address, cookie } }, 1);
  assert.equal(late.status, 303, "none of them has used an attempt up");
});

test("what is endless is refused before it is looked at: forms, cookies, headers, queries, fields", async () => {
  const app = await grantsKit(deployment).application();
  const long = "x".repeat(70_000);
  const refused = async (what: string, statuses: readonly number[], asking: () => Promise<Answer>): Promise<void> => {
    const { answer, ms } = await timed(asking);
    assert.ok(statuses.includes(answer.status), `${what}: ${answer.status} ${answer.text.slice(0, 200)}`);
    assert.ok(ms < 5_000, `${what} took ${ms} ms`);
  };
  for (const path of [
    "/sign-in",
    "/sign-in/password",
    "/register",
    "/oauth/authorize",
    "/oauth/token",
    "/oauth/par",
    "/oauth/logout",
  ])
    await refused(`a form of 70 kB at ${path}`, [413], () => deployment.form(path, { email: long, password: long }));
  await refused("cookies of 20 kB", [431], () =>
    deployment.send("/sign-in", { headers: { cookie: `a=${"x".repeat(20_000)}` } }),
  );
  await refused("headers of 20 kB", [431], () =>
    deployment.send("/account", { headers: { "x-a": "x".repeat(20_000) } }),
  );
  await refused("a query of 20 kB", [414, 431], () => deployment.send(`/oauth/authorize?state=${"x".repeat(20_000)}`));
  for (const name of [
    "state",
    "nonce",
    "login_hint",
    "ui_locales",
    "acr_values",
    "claims",
    "code_challenge",
    "scope",
    "resource",
  ])
    await refused(`a long ${name}`, [303, 400, 413], () =>
      deployment.form("/oauth/authorize", {
        client_id: app.client_id,
        response_type: "code",
        redirect_uri: app.redirect_uris[0] ?? "",
        [name]: "x".repeat(30_000),
      }),
    );
  await refused("a thousand fields", [303, 400, 403, 413], () =>
    deployment.form("/sign-in", Object.fromEntries(Array.from({ length: 3_000 }, (_, nth) => [`f${nth}`, "x"]))),
  );
  await refused("a password of 30 kB", [403, 413, 422, 429, 503], () =>
    deployment.send(form.action, {
      ...formOf({ ...form.fields, password: "x".repeat(30_000) }),
      headers: { "content-type": "application/x-www-form-urlencoded", cookie, ...from() },
    }),
  );
});
