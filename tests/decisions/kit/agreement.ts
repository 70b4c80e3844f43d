/** Whether another engine gives the same answer as ours, on every question about some random companies. */
import assert from "node:assert/strict";
import { ours } from "./ours.ts";
import { type Decider, type Fixture, fixtureOf, questionsOf } from "./shared-fixture.ts";

const seeds = [1, 2, 3, 4, 5, 6];

/** Fails with the seed and the first question they differ on. */
export const assertAgreement = async (load: (fixture: Fixture) => Decider | Promise<Decider>): Promise<void> => {
  const seen = { allowed: 0, denied: 0 };
  for (const seed of seeds) {
    const fixture = fixtureOf(seed);
    const questions = questionsOf(fixture);
    const expected = await ours(fixture).allows(questions);
    const other = await load(fixture);
    try {
      const answers = await other.allows(questions);
      assert.equal(answers.length, questions.length);
      const at = answers.findIndex((answer, nth) => answer !== expected[nth]);
      assert.equal(
        at,
        -1,
        `seed ${seed}: ${JSON.stringify(questions[at])}: ours says ${expected[at]}, the other ${answers[at]}`,
      );
    } finally {
      other.close?.();
    }
    for (const allowed of expected) seen[allowed ? "allowed" : "denied"] += 1;
  }
  assert.ok(seen.allowed > 200 && seen.denied > 200, `too one-sided to mean anything: ${JSON.stringify(seen)}`);
};
