import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { isFault } from "../faults.ts";
import { compiled, evaluate } from "./condition.ts";
import { zoned } from "./zones.ts";

const read = (name: string, moment: string, zone: string): number => Number(zoned[name]?.(new Date(moment), zone));

describe("the clocks of a time zone", () => {
  test("count as CEL's do: months, days of the month and of the year from 0, Sunday 0", () => {
    const newYear = "2026-12-31T23:30:00Z";
    assert.deepEqual(
      [
        "getFullYear",
        "getMonth",
        "getDate",
        "getDayOfMonth",
        "getDayOfWeek",
        "getDayOfYear",
        "getHours",
        "getMinutes",
      ].map((name) => read(name, newYear, "Europe/Berlin")),
      [2027, 0, 1, 0, 5, 0, 0, 30],
    );
    assert.equal(read("getDayOfYear", newYear, "UTC"), 364);
    assert.equal(read("getHours", newYear, "+05:30"), 5);
    assert.equal(read("getSeconds", "2026-01-01T00:00:07Z", "Asia/Kolkata"), 7);
  });

  test("are moved forward and back", () => {
    assert.equal(read("getHours", "2026-03-29T00:59:59Z", "Europe/Berlin"), 1);
    assert.equal(read("getHours", "2026-03-29T01:00:00Z", "Europe/Berlin"), 3);
    assert.equal(read("getHours", "2026-10-25T00:30:00Z", "Europe/Berlin"), 2);
    assert.equal(read("getHours", "2026-10-25T01:30:00Z", "Europe/Berlin"), 2);
  });

  test("midnight is hour 0 and not 24", () =>
    assert.equal(read("getHours", "2026-06-01T22:00:00Z", "Europe/Berlin"), 0));

  test("the zone of the process does not show, not even in the hour it skips", () => {
    const program = `
      const { compiled, evaluate } = await import("${new URL("condition.ts", import.meta.url).href}");
      const none = { id: "", ref: "", kind: "human", type: "", owner: "" };
      const at = Date.UTC(2026, 2, 8, 1, 30);
      const text = "now.getHours('Europe/Berlin') == 2 && now.getMinutes('Europe/Berlin') == 30 && now.getDayOfYear('Europe/Berlin') == 66 && now.getHours() == 1";
      console.log(evaluate(compiled(text), { at, subject: none, resource: none, context: {} }));`;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      env: { ...process.env, TZ: "America/New_York" },
      encoding: "utf8",
    });
    assert.equal(stdout.trim(), "true", stderr);
  });

  test("office hours", () => {
    const office = compiled(
      "now.getDayOfWeek('Europe/Berlin') in [1, 2, 3, 4, 5] && now.getHours('Europe/Berlin') >= 9 && now.getHours('Europe/Berlin') < 17",
    );
    assert.ok(!isFault(office));
    const none = { id: "", ref: "", kind: "", acr: undefined, properties: {}, type: "", owner: "", attributes: {} };
    const at = (moment: string) =>
      evaluate(office, { at: Date.parse(moment), subject: none, resource: none, context: {} });
    assert.equal(at("2026-11-23T08:00:00Z"), true);
    assert.equal(at("2026-11-23T07:59:59Z"), false);
    assert.equal(at("2026-11-22T10:00:00Z"), false, "a Sunday");
  });
});
