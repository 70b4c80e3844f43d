// The protocol file, against our server and against the oracle: where both answer alike, we have read the specification as it has; where
// not, the line says why (docs/conformance.md lists the differences).
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startCountersign } from "./countersign.ts";
import { startOidcProvider } from "./oidc-provider.ts";
import { lines } from "./protocol.ts";

const contenders = { ours: await startCountersign(), oracle: await startOidcProvider() };
after(async () => {
  for (const contender of Object.values(contenders)) await contender.stop();
});

for (const which of ["ours", "oracle"] as const) {
  const contender = contenders[which];
  for (const { says, probe, answer } of lines)
    test(`${contender.name}: ${says}`, async () => {
      assert.equal(await probe(contender), typeof answer === "string" ? answer : answer[which]);
    });
}
