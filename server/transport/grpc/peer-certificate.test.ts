import assert from "node:assert/strict";
import { test } from "node:test";
import { sanUris } from "./peer-certificate.ts";

test("only names of the kind URI are read, in their order", () => {
  assert.deepEqual(sanUris("DNS:gateway, URI:spiffe://a/b, IP Address:10.0.0.1, URI:https://c/?d=e"), [
    "spiffe://a/b",
    "https://c/?d=e",
  ]);
  assert.deepEqual(sanUris(undefined), []);
  assert.deepEqual(sanUris(""), []);
});

test("a URI with a comma is read as the one name it is", () => {
  assert.deepEqual(sanUris('URI:"spiffe://a/b, URI:spiffe://evil/c"'), ["spiffe://a/b, URI:spiffe://evil/c"]);
});

test("a DNS name that pretends to hold a URI yields none", () => {
  assert.deepEqual(sanUris('DNS:"gateway, URI:spiffe://evil/c"'), []);
});

test("a list that does not read to its end names nobody", () => {
  assert.deepEqual(sanUris('URI:spiffe://a/b, DNS:"open'), []);
  assert.deepEqual(sanUris("URI:spiffe://a/b,URI:spiffe://evil/c"), []);
});
