// What a refusal says about coming back: RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3, RFC 9728 §5.1, read by a client's own parser.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as oauth from "oauth4webapi";
import { fault, type Fault, faults } from "../../core/faults.ts";
import { challengeHeaders } from "../../server/oauth/challenges.ts";
import { proofAlgorithms } from "../../core/dpop/proof.ts";
import { errorResponse } from "../../server/oauth/protocol.ts";
import { problem } from "../../server/transport/http/problem.ts";

const metadata = "https://id.acme.example/.well-known/oauth-protected-resource";

/** The challenges as oauth4webapi reads them: by scheme, with their parameters. */
const read = async (failure: Fault): Promise<ReadonlyMap<string, Readonly<Record<string, string | undefined>>>> => {
  const { status, headers, body } = problem(failure, "r", "/v1/users", metadata);
  const answer = new Response(body, { status, headers: { ...headers } as Record<string, string> });
  try {
    await oauth.processUserInfoResponse(
      { issuer: "https://id.acme.example" },
      { client_id: "c" },
      oauth.skipSubjectCheck,
      answer,
    );
  } catch (error) {
    assert.ok(error instanceof oauth.WWWAuthenticateChallengeError, String(error));
    return new Map<string, Readonly<Record<string, string | undefined>>>(
      error.cause.map(({ scheme, parameters }) => [scheme, { ...parameters }]),
    );
  }
  return assert.fail("there was no challenge");
};

test("RFC 6750 §3.1, RFC 9449 §7.1: where nothing was presented both schemes are offered, without an error", async () => {
  const challenges = await read(fault("unauthenticated", "send a token"));
  assert.deepEqual(challenges.get("bearer"), { realm: "countersign", resource_metadata: metadata });
  assert.deepEqual(challenges.get("dpop"), { algs: proofAlgorithms.join(" ") });
});

test("RFC 9449 §7.1: a refused proof, and a token of another key, are answered under the scheme they came by", async () => {
  const errors = {
    unproven_token: "invalid_dpop_proof",
    unproven_token_nonce: "use_dpop_nonce",
    invalid_bound_token: "invalid_token",
  } as const;
  for (const [code, error] of Object.entries(errors)) {
    const challenges = await read(fault(code as keyof typeof errors, 'a "reason" with \\ in it'));
    assert.deepEqual([...challenges.keys()], ["dpop"]);
    const parameters = challenges.get("dpop");
    assert.equal(parameters?.["error"], error);
    assert.equal(parameters["algs"], proofAlgorithms.join(" "));
    assert.equal(parameters["error_description"], "a 'reason' with ' in it");
    assert.equal(faults[code as keyof typeof errors].status, 401);
  }
});

test("RFC 9449 §5, §8: at the authorization server the same is a 400, and a JSON error", () => {
  for (const code of ["invalid_dpop_proof", "use_dpop_nonce"] as const) {
    const { status, headers, body } = errorResponse(fault(code, "it is not accepted"), false);
    assert.equal(status, 400);
    assert.equal(headers["www-authenticate"], undefined);
    assert.equal((JSON.parse(String(body)) as { error: string }).error, code);
  }
});

test("RFC 9470 §3: a step-up names the class and the age that would do, and nothing where nothing is asked", async () => {
  const stepUp = (asked: NonNullable<Fault["stepUp"]>) =>
    fault("insufficient_user_authentication", "this needs a fresher or stronger sign-in", { stepUp: asked });
  const both = (await read(stepUp({ acr: "phr", maxAgeSeconds: 300 }))).get("bearer");
  assert.equal(both?.["error"], "insufficient_user_authentication");
  assert.equal(both["acr_values"], "phr");
  assert.equal(both["max_age"], "300");
  assert.equal(both["resource_metadata"], metadata);
  const fresh = (await read(stepUp({ maxAgeSeconds: 0 }))).get("bearer");
  assert.equal(fresh?.["acr_values"], undefined);
  assert.equal(fresh?.["max_age"], "0");
});

test("RFC 6750 §3: what is no failed authentication carries no challenge", () => {
  for (const code of ["not_found", "permission_denied", "invalid_argument", "invalid_grant", "internal"] as const)
    assert.deepEqual(challengeHeaders(fault(code, "no"), metadata), {});
});
