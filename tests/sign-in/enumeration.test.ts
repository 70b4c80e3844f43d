/**
 * Security test 3: whether an address has an account is not told, by no answer and by no time. Times are compared as distributions: the
 * medians of many, measured in turns, since one sample says nothing.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { monotonicMs } from "../../server/platform/clock.ts";
import { requestPasswordReset } from "../../server/sign-in/reset-password.ts";
import { selfRegister } from "../../server/sign-in/self-register.ts";
import { openSignInKit, password } from "./sign-in-kit.ts";

const kit = await openSignInKit();
after(kit.close);
const { bench, needs } = kit;
const acme = await bench.tenant();
await kit.policy(acme, { self_registration: "on" });

const rounds = 20;
/** A machine that does other things as well moves a median; an early answer moves it by more than half. */
const ratioMax = 1.5;

let places = 0;
const somewhere = () => kit.browser(`10.3.${Math.floor((places += 1) / 250)}.${places % 250}`).visit();
const median = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;

/** The answers and times of the two kinds of address, taken in turns. */
const compare = async (known: readonly string[], tell: (email: string) => Promise<unknown>) => {
  const times: Record<"known" | "unknown", number[]> = { known: [], unknown: [] };
  const answers = new Set<string>();
  for (const one of known)
    for (const kind of ["known", "unknown"] as const) {
      const email = kind === "known" ? one : `${randomUUID()}@acme.example`;
      const begun = monotonicMs();
      answers.add(JSON.stringify(await tell(email)) ?? "nothing");
      times[kind].push(monotonicMs() - begun);
    }
  const medians = [median(times.known), median(times.unknown)].toSorted((a, b) => a - b);
  return { answers, ratio: (medians[1] ?? 0) / (medians[0] ?? 1) };
};

const humans = await Promise.all(Array.from({ length: rounds }, () => kit.human(acme)));
const addresses = humans.map((one) => one.email);

test("a wrong password for an account takes as long, and hears the same, as one for none: a decoy is computed", async () => {
  const { answers, ratio } = await compare(addresses, (email) =>
    kit.signIn(kit.browser(`10.4.0.${(places += 1) % 250}`), { email }, { password: "wrong" }),
  );
  assert.equal(answers.size, 1, [...answers].join());
  assert.ok(ratio < ratioMax, `the medians differ ${ratio.toFixed(2)} times`);
});

test("asking for a new password takes as long, and hears the same, whether or not there is an account", async () => {
  const ask = (email: string) => requestPasswordReset(needs, { email, context: null, request: somewhere() });
  const { answers, ratio } = await compare(addresses, ask);
  assert.deepEqual([...answers], ["nothing"]);
  assert.ok(ratio < ratioMax, `the medians differ ${ratio.toFixed(2)} times`);
});

test("registering takes as long, and hears the same, whether or not there is an account", async () => {
  const given = { tenant: acme, displayName: "Grace", password, locale: "en" };
  const { answers, ratio } = await compare(addresses, (email) =>
    selfRegister(needs, { ...given, email, request: somewhere() }),
  );
  assert.deepEqual([...answers], ["nothing"]);
  assert.ok(ratio < ratioMax, `the medians differ ${ratio.toFixed(2)} times`);
});
