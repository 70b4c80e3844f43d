import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isInNetwork, readNetwork } from "./networks.ts";

describe("networks", () => {
  test("IPv4, IPv6, and single addresses", () => {
    assert.ok(isInNetwork("10.255.0.1", "10.0.0.0/8"));
    assert.ok(!isInNetwork("11.0.0.1", "10.0.0.0/8"));
    assert.ok(isInNetwork("10.0.0.1", "10.9.9.9/8"), "bits beyond the prefix do not matter");
    assert.ok(isInNetwork("2001:db8::1", "2001:db8::/32"));
    assert.ok(!isInNetwork("2001:db9::1", "2001:db8::/32"));
    assert.ok(isInNetwork("2001:DB8:0:0:0:0:0:1", "2001:db8::1"));
    assert.ok(isInNetwork("192.0.2.7", "192.0.2.7"));
    assert.ok(isInNetwork("203.0.113.9", "0.0.0.0/0"));
  });

  test("an IPv4 address in IPv6's clothes is an IPv4 address, and a mapped network a network of them", () => {
    assert.ok(isInNetwork("::ffff:10.0.0.1", "10.0.0.0/8"));
    assert.ok(isInNetwork("::ffff:a00:1", "10.0.0.0/8"));
    assert.ok(isInNetwork("10.0.0.1", "::ffff:10.0.0.0/104"));
    assert.ok(!isInNetwork("11.0.0.1", "::ffff:10.0.0.0/104"));
    assert.equal(readNetwork("::ffff:10.0.0.0/80"), undefined);
  });

  test("one kind is never in the other, the whole of it included", () => {
    assert.ok(!isInNetwork("10.0.0.1", "::/0"));
    assert.ok(!isInNetwork("2001:db8::1", "0.0.0.0/0"));
    assert.ok(!isInNetwork("::a00:1", "10.0.0.0/8"));
    assert.ok(!isInNetwork("::10.0.0.1", "10.0.0.0/8"), "RFC 4291 §2.5.5.1: the same address in another spelling");
    assert.ok(isInNetwork("::10.0.0.1", "::a00:1"));
  });

  test("what is no network", () => {
    for (const text of [
      "",
      "/",
      "10.0.0.0/",
      "10.0.0.0/33",
      "10.0.0.0/-1",
      "10.0.0.0/08",
      "10.0.0.0/8/8",
      "::/129",
      "10/8",
      "a.b.c.d/8",
    ])
      assert.equal(readNetwork(text), undefined, text);
  });
});
