// Where a request was sent: read one way, or not at all.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isFault } from "../../../core/faults.ts";
import { readTarget, type RequestTarget, type SentRequest } from "./request-target.ts";

const sent = (more: Partial<SentRequest>): SentRequest => ({
  method: "GET",
  uri: "/",
  host: "api.example.com",
  scheme: "https",
  lines: [],
  address: undefined,
  ...more,
});
const read = (more: Partial<SentRequest>): RequestTarget => {
  const target = readTarget(sent(more));
  assert.ok(!isFault(target), JSON.stringify(target));
  return target;
};
const isRefused = (more: Partial<SentRequest>): boolean => {
  const target = readTarget(sent(more));
  return isFault(target) && target.fault === "permission_denied";
};

test("a plain path is its decoded segments, whatever its query says", () => {
  assert.deepEqual(read({ uri: "/" }).segments, [""]);
  assert.deepEqual(read({ uri: "/a/b" }).segments, ["a", "b"]);
  assert.deepEqual(read({ uri: "/a/b/" }).segments, ["a", "b", ""]);
  assert.deepEqual(read({ uri: "/%61/%7Eb?x=/../%00" }).segments, ["a", "~b"]);
  assert.deepEqual(read({ uri: "/caf%C3%A9/..." }).segments, ["café", "..."]);
  assert.equal(read({ uri: "/%61?x" }).path, "/%61");
});

test("CWE-22, CWE-436: a path that somebody could read otherwise is refused, and not repaired", () => {
  const refused = [
    // not in origin form
    "",
    "*",
    "a",
    "http://api.example.com/a",
    "//evil.example/a",
    "/a#b",
    "/a b",
    "/a\tb",
    "/a\u0000",
    "/é",
    // empty segments, and what dissolves
    "/a//b",
    "/a/./b",
    "/a/../b",
    "/a/%2e%2e/b",
    "/a/.%2E/b",
    "/a/%2e",
    "/a/..;/b",
    "/a;x=1/b",
    "/a%3Bx/b",
    // separators behind a percent sign, once and twice
    "/a%2Fb",
    "/a%2fb",
    "/a%5Cb",
    "/a\\b",
    "/a%252Fb",
    "/a%25",
    "/a%3Fb",
    "/a%23b",
    // octets that are no text
    "/a%00",
    "/a%0D%0AX:1",
    "/a%7F",
    "/a%C2%85",
    "/a%C0%AF",
    "/a%E0%80%AF",
    "/a%FF",
    "/a%ED%A0%80",
    "/a%",
    "/a%2",
    "/a%zz",
    // compatibility forms of / \ . and %
    "/a%EF%BC%8Fb",
    "/a%EF%BC%BCb",
    "/%EF%BC%8E%EF%BC%8E/b",
    "/%E2%80%A5/b",
    "/a%EF%BC%85b",
    `/${"a".repeat(9_000)}`,
    `/${"a/".repeat(100)}`,
  ];
  for (const uri of refused) assert.ok(isRefused({ uri }), uri);
});

test("the method is upper-case letters, the scheme http or https, the host a name or an address", () => {
  for (const method of ["", "get", "Get", "GET ", "G-T", "GET, POST", "A".repeat(21)])
    assert.ok(isRefused({ method }), method);
  for (const scheme of ["", "HTTPS", "ftp", "https, http"]) assert.ok(isRefused({ scheme }), scheme);
  for (const host of [
    "",
    "a b",
    "a, b",
    "a/b",
    "u@a",
    "a:",
    "a:b",
    "a..b",
    ".a",
    "a:1:2",
    "[::1",
    "é.example",
    "x".repeat(300),
  ])
    assert.ok(isRefused({ host }), host);
  assert.equal(read({ host: "API.Example.com:443" }).host, "api.example.com");
  assert.equal(read({ host: "api.example.com:443", scheme: "http" }).host, "api.example.com:443");
  assert.equal(read({ host: "[::1]:8443" }).host, "[::1]:8443");
});

test("whatever is accepted has no dot segments, no separators and no controls in any reading", () => {
  const octet = fc.integer({ min: 0, max: 255 }).map((n) => `%${n.toString(16).padStart(2, "0")}`);
  const part = fc.oneof(octet, fc.constantFrom(".", "..", "/", "a", "%2f", ";", "\\", "%25", "%2e", "?"), fc.string());
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      const target = readTarget(sent({ uri: `/${parts.join("")}` }));
      if (isFault(target)) return;
      // As a server would see it that decodes the whole, and once more.
      const once = decodeURIComponent(target.path);
      assert.equal(once, `/${target.segments.join("/")}`);
      assert.equal(new URL(target.path, "http://a").pathname, target.path);
      assert.ok(
        !/[\p{Cc}\\%;?#]|\/\//u.test(once) && !once.split("/").some((one) => one === "." || one === ".."),
        once,
      );
    }),
    { numRuns: 2_000 },
  );
});
