// Which route a request is on: the most specific one, and that one alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../../core/faults.ts";
import { readTemplate } from "./path-template.ts";
import { readTarget } from "./request-target.ts";
import type { Route } from "./route.ts";
import { routeTableOf } from "./route-table.ts";

/** `GET,POST api.example.com/path`: a route whose rule names it. */
const route = (text: string): Route => {
  const [methods = "", place = ""] = text.split(" ");
  const slash = place.indexOf("/");
  const path = readTemplate(place.slice(slash));
  assert.ok(!("wrong" in path), text);
  const host = place.slice(0, slash);
  return {
    methods: methods.split(","),
    host: host === "" ? undefined : host,
    path,
    rule: { at: "public", why: text },
  };
};

const found = (routes: readonly string[], asked: string) => {
  const [method = "", url = ""] = asked.split(" ");
  const { host, protocol } = new URL(url);
  const uri = url.slice(url.indexOf("/", "https://".length));
  const target = readTarget({ method, uri, host, scheme: protocol.slice(0, -1), lines: [], address: undefined });
  assert.ok(!isFault(target), asked);
  const match = routeTableOf(routes.map(route)).find(target);
  return match === undefined || match.rule.at !== "public"
    ? undefined
    : [match.rule.why, Object.fromEntries(match.bound)];
};

test("parameters take a segment each, and say what they stood for", () => {
  const routes = ["GET /accounts/{id}/payouts/{payout}", "POST /accounts/{id}:close", "GET /files/**"];
  assert.deepEqual(found(routes, "GET https://a/accounts/7/payouts/8"), [routes[0], { id: "7", payout: "8" }]);
  assert.deepEqual(found(routes, "POST https://a/accounts/7:close"), [routes[1], { id: "7" }]);
  assert.deepEqual(found(routes, "GET https://a/files/a/b/"), [routes[2], {}]);
  for (const asked of [
    "GET https://a/accounts/7/payouts",
    "GET https://a/accounts/7/payouts/",
    "GET https://a/accounts/7/payouts/8/",
    "GET https://a/accounts/7/payouts/8/9",
    "GET https://a/Accounts/7/payouts/8",
    "GET https://a/accounts/7/payouts/8:cancel",
    "POST https://a/accounts/7:close:close",
    "POST https://a/accounts/:close",
    "POST https://a/accounts/7",
    "GET https://a/files",
    "GET https://a/",
  ])
    assert.equal(found(routes, asked), undefined, asked);
});

test("invariant 1: what is on no route, or on one that does not list the method, is on none", () => {
  assert.equal(found([], "GET https://a/"), undefined);
  assert.equal(found(["GET /a"], "POST https://a/a"), undefined);
  // The more specific path hides the wider one, whatever the method.
  assert.equal(found(["GET /a/b", "POST /a/**"], "POST https://a/a/b"), undefined);
  assert.equal(found(["GET a.example/a", "POST /a"], "POST https://a.example/a"), undefined);
  assert.deepEqual(found(["GET a.example/a", "POST /a"], "POST https://b.example/a"), ["POST /a", {}]);
});

test("HEAD is let through where GET is, and no other method for another", () => {
  assert.deepEqual(found(["GET /a"], "HEAD https://a/a"), ["GET /a", {}]);
  assert.equal(found(["HEAD /a"], "GET https://a/a"), undefined);
  assert.equal(found(["GET /a"], "OPTIONS https://a/a"), undefined);
});

test("at the first segment where two differ, a literal is before a parameter, and that before everything below", () => {
  const routes = ["GET /**", "GET /{a}/b", "GET /a/{b}", "GET /a/b", "GET /a/{b}:c", "GET /{a}/{b}"];
  for (const order of [routes, routes.toReversed()])
    for (const [asked, wanted] of Object.entries({
      "/a/b": "GET /a/b",
      "/a/x": "GET /a/{b}",
      "/a/x:c": "GET /a/{b}:c",
      "/x/b": "GET /{a}/b",
      "/x/y": "GET /{a}/{b}",
      "/x": "GET /**",
      "/x/y/z": "GET /**",
      "/a/x:d": "GET /**",
    }))
      assert.equal(found(order, `GET https://a${asked}`)?.[0], wanted, asked);
});

test("routes of one path are told apart by method, and each has its own names for the parameters", () => {
  const routes = ["GET /a/{id}", "DELETE /a/{key}"];
  assert.deepEqual(found(routes, "DELETE https://a/a/7"), [routes[1], { key: "7" }]);
});

test("a host matches at every port unless it names one, and without regard to case", () => {
  const routes = ["GET a.example/", "GET a.example:8443/", "GET /"];
  assert.equal(found(routes, "GET https://A.example:8443/")?.[0], "GET a.example:8443/");
  assert.equal(found(routes, "GET https://a.example:9/")?.[0], "GET a.example/");
  assert.equal(found(routes, "GET https://a.example/")?.[0], "GET a.example/");
  assert.equal(found(routes, "GET https://a.example.evil.example/")?.[0], "GET /");
  assert.equal(found(["GET a.example:8443/"], "GET https://a.example/"), undefined);
});
