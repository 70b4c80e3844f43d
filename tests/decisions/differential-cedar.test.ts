import { test } from "node:test";
import { assertAgreement } from "./kit/agreement.ts";
import { cedar } from "./kit/cedar.ts";

test("Cedar and decide() give the same answer on every question about trees, groups, roles and grants", () =>
  assertAgreement(cedar));
