import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRedisUrl } from "./redis-url.ts";

test("a URL names a server, its database, and who we are to it", () => {
  assert.deepEqual(parseRedisUrl("rediss://app:p%40ss:word@cache.example:6380/7"), {
    cluster: false,
    tls: true,
    nodes: [{ host: "cache.example", port: 6380 }],
    address: "cache.example:6380",
    username: "app",
    password: "p@ss:word",
    database: 7,
  });
});

test("port, database and user may be left out", () => {
  const { nodes, database, username, password, tls } = parseRedisUrl("redis://[::1]");
  assert.deepEqual(
    { nodes, database, username, password, tls },
    {
      nodes: [{ host: "::1", port: 6379 }],
      database: 0,
      username: undefined,
      password: undefined,
      tls: false,
    },
  );
});

test("a cluster names some of its nodes", () => {
  const { cluster, nodes, address, password } = parseRedisUrl("redis-cluster://:secret@one:1,two:2,[::1]:3");
  assert.equal(cluster, true);
  assert.equal(password, "secret");
  assert.equal(address, "one:1,two:2,[::1]:3");
  assert.deepEqual(
    nodes.map(({ port }) => port),
    [1, 2, 3],
  );
});

test("what is malformed is refused, and not repeated", () => {
  const bad = [
    "",
    "http://:hunter2@host",
    "redis://:hunter2@a:1,b:2",
    "redis-cluster://:hunter2@a:1/3",
    "redis://:hunter2@a:99999",
    "redis://:hunter2@a:1/x",
  ];
  for (const url of bad) {
    assert.throws(
      () => parseRedisUrl(url),
      (error: Error) => error.message.startsWith("the cache URL is malformed") && !error.message.includes("hunter2"),
    );
  }
});
