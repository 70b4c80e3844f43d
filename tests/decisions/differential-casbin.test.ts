import { test } from "node:test";
import { assertAgreement } from "./kit/agreement.ts";
import { casbin } from "./kit/casbin.ts";

test("casbin and decide() give the same answer on every question about trees, groups, roles and grants", () =>
  assertAgreement(casbin));
