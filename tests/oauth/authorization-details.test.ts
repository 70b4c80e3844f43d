// Rich authorization requests (RFC 9396): what may be asked, and what lies within what was granted. No server is needed to say it.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isFault } from "../../core/faults.ts";
import { detailsWithin, readDetails } from "../../server/oauth/authorization-details.ts";

const type = "countersign_permissions";
const registered = { metadata: { authorization_details_types: [type] } };
const read = (value: unknown, client = registered) =>
  readDetails(typeof value === "string" ? value : JSON.stringify(value), client);

test("RFC 9396 §2: details of a registered type are read as they were sent", () => {
  const details = [
    { type, actions: ["flows:read", "files:*"], locations: ["https://api.acme.example/v1"], identifier: "flows/1" },
    { type, actions: ["*"] },
  ];
  assert.deepEqual(read(details), details);
  assert.deepEqual(readDetails(undefined, registered), []);
});

test("RFC 9396 §5: an unknown type or field, or a value that is none, is invalid_authorization_details", () => {
  const wrong: readonly unknown[] = [
    "nonsense",
    "{}",
    "null",
    [],
    ["x"],
    [null],
    [[]],
    [{}],
    [{ type: "payment_initiation", actions: ["flows:read"] }],
    [{ type: "constructor", actions: ["flows:read"] }],
    [{ type: [type], actions: ["flows:read"] }],
    [{ type }],
    [{ type, actions: [] }],
    [{ type, actions: "flows:read" }],
    [{ type, actions: ["read"] }],
    [{ type, actions: ["*:read"] }],
    [{ type, actions: [7] }],
    [{ type, actions: ["flows:read"], privileges: ["admin"] }],
    [{ type, actions: ["flows:read"], constructor: 1 }],
    `[{"type":"${type}","actions":["flows:read"],"__proto__":{"identifier":"x"}}]`,
    [{ type, actions: ["flows:read"], locations: ["not a URI"] }],
    [{ type, actions: ["flows:read"], locations: ["https://api.acme.example/#here"] }],
    [{ type, actions: ["flows:read"], identifier: "" }],
    [{ type, actions: ["flows:read"], identifier: { a: 1 } }],
    [{ type, actions: Array.from({ length: 51 }, () => "flows:read") }],
    Array.from({ length: 21 }, () => ({ type, actions: ["flows:read"] })),
    [{ type, actions: ["flows:read"], identifier: "x".repeat(501) }],
    `[${"[".repeat(7_000)}`,
    [{ type, actions: ["flows:read"], identifier: "\0" }],
    [{ type, actions: ["flows:read"], identifier: "\ud800" }],
    JSON.stringify([{ type, actions: ["flows:read"] }]) + " ".repeat(8_000),
  ];
  for (const value of wrong) {
    const answer = read(value);
    assert.ok(isFault(answer), JSON.stringify(value).slice(0, 200));
    assert.equal(answer.fault, "invalid_authorization_details");
  }
});

test("RFC 9396 §10: a type the client is not registered for is refused", () => {
  const answer = read([{ type, actions: ["flows:read"] }], { metadata: { authorization_details_types: [] } });
  assert.ok(isFault(answer) && answer.fault === "invalid_authorization_details");
});

test("RFC 9396 §6: what is asked of a refresh token lies within what was granted, or is refused", () => {
  const place = "https://api.acme.example/v1";
  const granted = [
    { type, actions: ["flows:*"], locations: [place], identifier: "flows/1" },
    { type, actions: ["files:read"] },
  ];
  const within: readonly object[][] = [
    [],
    granted,
    [{ type, actions: ["flows:read", "flows:*"], locations: [place], identifier: "flows/1" }],
    [{ type, actions: ["files:read"], locations: [place], identifier: "files/9" }],
  ];
  for (const asked of within) assert.ok(detailsWithin(asked, granted), JSON.stringify(asked));
  const beyond: readonly object[][] = [
    [{ type, actions: ["*"] }],
    [{ type, actions: ["flows:read"] }],
    [{ type, actions: ["flows:read"], locations: [place] }],
    [{ type, actions: ["flows:read"], locations: [place], identifier: "flows/2" }],
    [{ type, actions: ["flows:read"], locations: ["https://evil.example"], identifier: "flows/1" }],
    [{ type, actions: ["flowsheets:read"], locations: [place], identifier: "flows/1" }],
    [{ type, actions: ["files:update"] }],
    [{ type, actions: ["files:*"] }],
    [{ type: "another", actions: ["files:read"] }],
    [...granted, { type, actions: ["users:read"] }],
  ];
  for (const asked of beyond) assert.ok(!detailsWithin(asked, granted), JSON.stringify(asked));
  assert.ok(!detailsWithin(granted, []));
});

test("RFC 9396 §6: lying within is reflexive and transitive, whatever the details", () => {
  const word = fc.constantFrom("flows", "files", "a-b");
  const action = fc.oneof(
    fc.constant("*"),
    fc.tuple(word, fc.constantFrom("read", "update", "*")).map((parts) => parts.join(":")),
  );
  const detail = fc.record(
    {
      type: fc.constant(type),
      actions: fc.array(action, { minLength: 1, maxLength: 3 }),
      locations: fc.array(fc.constantFrom("https://a.example", "https://b.example"), { minLength: 1, maxLength: 2 }),
      identifier: fc.constantFrom("flows/1", "flows/2"),
    },
    { requiredKeys: ["type", "actions"] },
  );
  const details = fc.array(detail, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(details, details, details, (a, b, c) => {
      assert.ok(detailsWithin(a, a));
      if (detailsWithin(a, b) && detailsWithin(b, c)) assert.ok(detailsWithin(a, c));
    }),
  );
});
