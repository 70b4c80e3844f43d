/**
 * Freshness trials: each ends something in one of two processes while the other is being asked about it, and then asks both.
 */
import assert from "node:assert/strict";
import type { Deployment } from "../oauth/deployment.ts";
import type { Gateway, Make, Subject } from "./subjects.ts";

export type Trials = {
  /** Every lane at its own pace, until there have been as many trials as wanted. */
  run(wanted: number): Promise<Count>;
};

/** `trials`: ends that were acknowledged, each followed by a no to every question at both processes. `answers`: those noes. */
export type Count = { readonly trials: number; readonly answers: number };

type Lane = { readonly title: string; readonly subject: Subject };

/** `lanes` of each kind, every one in a tenant of its own, so that none waits for another's change. */
export const openTrials = async (
  deployment: Deployment,
  gateway: Gateway,
  kinds: Readonly<Record<string, Make>>,
  lanes: number,
): Promise<Trials> => {
  const all: Lane[] = [];
  for (const [title, make] of Object.entries(kinds))
    for (let n = 1; n <= lanes; n += 1)
      all.push({ title, subject: await make(deployment, gateway, await deployment.tenant(`${title}, lane ${n}`)) });
  const state = { nth: 0 };
  return {
    run: async (wanted) => {
      const count = { begun: 0, trials: 0, answers: 0 };
      const work = async (lane: Lane): Promise<void> => {
        while (count.begun < wanted) {
          count.begun += 1;
          const answers = await endOnce(lane, (state.nth += 1) % 2);
          count.answers += answers;
          count.trials += 1;
        }
      };
      await Promise.all(all.map(work));
      return count;
    },
  };
};

/**
 * Warm at both, ended at one while the other is being asked, then asked at both. Only answers after the acknowledgement count; those before
 * may be either. Returns how many answers had been yes and had to be no.
 */
const endOnce = async ({ title, subject }: Lane, on: number): Promise<number> => {
  const other = 1 - on;
  const ask = (where: number) => Promise.all(subject.questions.map((question) => question(where)));
  const all = (answer: boolean) => subject.questions.map(() => answer);
  for (const where of [on, other]) assert.deepEqual(await ask(where), all(true), `${title} was not alive`);
  const racing = ask(other);
  await subject.end(on);
  const [there, here] = await Promise.all([ask(other), ask(on)]);
  assert.deepEqual(there, all(false), `a stale yes: ${title}`);
  assert.deepEqual(here, all(false), `a stale yes where it was ended: ${title}`);
  await racing;
  assert.deepEqual(await ask(other), all(false), `a stale yes, put there by a reader that was overtaken: ${title}`);
  await subject.renew(on);
  return 2 * subject.questions.length;
};
