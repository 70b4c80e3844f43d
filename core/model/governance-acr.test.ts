import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readModel } from "./read-model.ts";

const withGovernance = (governance: string) =>
  readModel(
    `
perimeters:
  company: { collection: companies }
resources:
  payouts: { in: [company], actions: [read, approve] }
roles: {}
governance:
${governance}
`,
    "test.yaml",
  );

const errors = (governance: string): readonly string[] => {
  const read = withGovernance(governance);
  return "model" in read ? [] : read.errors.map((one) => JSON.stringify(one));
};

describe("governance may ask for a class of sign-in", () => {
  test("it is kept beside the class", () => {
    const read = withGovernance("  payouts:approve: { class: human, acr: phr }");
    assert.ok("model" in read);
    assert.equal(read.model.vocabulary.get("payouts:approve")?.governance?.acr, "phr");
  });

  test("a document that asks for none says nothing of it, and stays equal to what it was", () => {
    const read = withGovernance("  payouts:approve: { class: human }");
    assert.ok("model" in read);
    assert.equal(read.model.governance.get("payouts:approve")?.acr, undefined);
    assert.doesNotMatch(read.model.canonical, /acr/);
  });

  test("a class no sign-in here has is refused, with those there are", () => {
    assert.match(errors("  payouts:approve: { class: human, acr: gold }").join(), /gold.*is no class of sign-in.*phr/);
    assert.match(errors("  payouts:approve: { class: human, acr: 2 }").join(), /acr/);
  });

  test("a service does not sign in", () => {
    assert.match(errors("  payouts:approve: { class: machine, acr: phr }").join(), /needs the class `human`/);
  });
});
