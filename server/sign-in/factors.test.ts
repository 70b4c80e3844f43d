import assert from "node:assert/strict";
import test from "node:test";
import { byPasskey, byPassword, nextAfter, stricter, withSecond } from "./factors.ts";

const none = { totp: 0, passkeys: 0 };
const one = { totp: 1, passkeys: 0 };

test("who has a second factor is asked for it, unless the tenant turned that off or this browser is remembered", () => {
  const asked = { proof: byPassword, factors: one, remembered: false } as const;
  assert.equal(nextAfter({ ...asked, mfa: "optional" }), "second_factor");
  assert.equal(nextAfter({ ...asked, mfa: "required" }), "second_factor");
  assert.equal(nextAfter({ ...asked, mfa: "off" }), "done");
  assert.equal(nextAfter({ ...asked, mfa: "required", remembered: true }), "done");
});

test("where the tenant requires one, who has none enrols: being remembered is no way around it", () => {
  const asked = { proof: byPassword, factors: none } as const;
  assert.equal(nextAfter({ ...asked, mfa: "required", remembered: true }), "enrol");
  assert.equal(nextAfter({ ...asked, mfa: "optional", remembered: false }), "done");
});

test("a passkey that verified its user is asked for nothing more, and is phishing-resistant", () => {
  const proof = byPasskey("swk", true);
  assert.equal(proof.acr, "phr");
  assert.equal(nextAfter({ mfa: "required", proof, factors: one, remembered: false }), "done");
  const present = byPasskey("hwk", false);
  assert.equal(nextAfter({ mfa: "required", proof: present, factors: one, remembered: false }), "second_factor");
});

test("RFC 8176: a second factor adds its method and `mfa`, once", () => {
  const proof = withSecond(byPassword, "otp");
  assert.deepEqual(proof, { methods: ["pwd", "otp", "mfa"], acr: "urn:countersign:acr:multi-factor" });
  assert.deepEqual(withSecond(proof, byPasskey("hwk", true)), {
    methods: ["pwd", "otp", "hwk", "user", "mfa"],
    acr: "phr",
  });
  assert.equal(withSecond(byPasskey("swk", true), "otp").acr, "phr");
});

test("of two tenants the stricter one's rule is asked", () => {
  assert.equal(stricter("off", "required"), "required");
  assert.equal(stricter("optional", "off"), "optional");
});
