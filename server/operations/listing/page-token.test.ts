import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isFault } from "../../../core/faults.ts";
import { readPageToken, writePageToken } from "./page-token.ts";

const pageKey = Buffer.alloc(32, 7);
const position = { time: "2026-01-31T08:00:00.123456Z", id: "3f2c1b0a-9d8e-4f7a-8b6c-5d4e3f2a1b0c" };
const token = writePageToken(pageKey, "users of acme", position);

const detail = (key: Buffer, query: string, text: string): string => {
  const read = readPageToken(key, query, text);
  assert.ok(isFault(read), `${text} was taken`);
  assert.equal(read.fault, "invalid_argument");
  assert.equal(read.errors?.[0]?.path, "$.page_token");
  return read.detail;
};

test("a page token gives back its position to the last microsecond, and is safe in a URL", () => {
  assert.deepEqual(readPageToken(pageKey, "users of acme", token), position);
  assert.match(token, /^[\w-]+$/);
});

test("a page token used with another query is refused, and says so", () => {
  assert.match(detail(pageKey, "users of initech", token), /^the `page_token` belongs to another query/);
});

test("a page token of another deployment is refused", () => {
  assert.match(detail(Buffer.alloc(32, 8), "users of acme", token), /has been altered$/);
});

test("a page token with any character changed, dropped or added is refused", () => {
  for (let at = 0; at < token.length; at += 1) {
    const other = token[at] === "A" ? "B" : "A";
    detail(pageKey, "users of acme", `${token.slice(0, at)}${other}${token.slice(at + 1)}`);
    detail(pageKey, "users of acme", token.slice(0, at) + token.slice(at + 1));
  }
  for (const more of ["A", "=", "==", " ", "\n", "!"]) detail(pageKey, "users of acme", token + more);
});

test("any text but a token is refused", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 700 }), (text) => void detail(pageKey, "users of acme", text)),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (octets) => {
      detail(pageKey, "users of acme", Buffer.from(octets).toString("base64url"));
    }),
  );
});
