import { test } from "node:test";
import { assertAgreement } from "./kit/agreement.ts";
import { spicedb } from "./kit/spicedb.ts";

test("SpiceDB and decide() give the same answer on every question about trees, groups, roles and grants", () =>
  assertAgreement(spicedb));
