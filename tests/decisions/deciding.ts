/** A decision point on a workbench: everything of it is real, over PostgreSQL and a cache, without the transports. */
import assert from "node:assert/strict";
import { isFault } from "../../core/faults.ts";
import type { TenantId } from "../../core/ids.ts";
import { createApiToken } from "../../server/credentials/create-api-token.ts";
import { type CheckAnswer, type CheckQuestion, check } from "../../server/decisions/check.ts";
import type { Searching } from "../../server/decisions/list-resources.ts";
import { readSecretKey } from "../../server/platform/keys/seal.ts";
import type { Platform } from "../../server/platform/platform.ts";
import type { Caller } from "../../server/authority/caller.ts";
import { type Presented, recognise } from "../../server/tokens/presented.ts";
import { openSigningKeys } from "../../server/tokens/signing-keys.ts";
import { openVerifier } from "../../server/tokens/standing.ts";
import type { Workbench } from "../support/engine.ts";

export type DecisionPoint = {
  readonly needs: Searching;
  /** An API token of the caller's, as it would be presented. */
  tokenFor(
    caller: Caller,
    scopes?: readonly string[],
  ): Promise<{ readonly text: string; readonly presented: Presented }>;
  /** The same for a new owner of the tenant. */
  gateway(tenant: TenantId): Promise<Presented>;
  /** Answers, none of them a fault, in batches as large as there may be. */
  answers(bearer: Presented, questions: readonly CheckQuestion[]): Promise<readonly CheckAnswer[]>;
  close(): void;
};

/** Over the bench's own platform, or another that leads to it. */
export const openDecisionPoint = async (
  bench: Workbench,
  platform: Platform = bench.engine.platform,
): Promise<DecisionPoint> => {
  const { issuer, pageKey } = bench.engine;
  const secretKey = readSecretKey(Buffer.alloc(32, 1).toString("base64"));
  assert.ok(secretKey);
  const keys = await openSigningKeys({ ...platform, secretKey });
  const { model } = bench;
  const verifier = openVerifier({ platform, model, modelVersion: "test", keys, issuer, used: () => {} });
  const needs: Searching = { platform, model, modelVersion: "test", issuer, verifier, pageKey };
  const tokenFor: DecisionPoint["tokenFor"] = async (caller, scopes = ["*"]) => {
    const expire_time = new Date(bench.clock.ms + 3600_000).toISOString();
    const made = await bench.ok(createApiToken, caller, { display_name: "A token", scopes, expire_time });
    const text = String(made["token"]);
    const presented = recognise(text);
    assert.ok(presented);
    return { text, presented };
  };
  return {
    needs,
    tokenFor,
    gateway: async (tenant) => (await tokenFor(await bench.ownerOf(tenant))).presented,
    answers: async (bearer, questions) => {
      const all: CheckAnswer[] = [];
      for (let from = 0; from < questions.length; from += 100) {
        const answers = await check(needs, bearer, questions.slice(from, from + 100));
        assert.ok(!isFault(answers), JSON.stringify(answers));
        for (const answer of answers) {
          assert.ok(!isFault(answer), JSON.stringify(answer));
          all.push(answer);
        }
      }
      return all;
    },
    close: () => keys.close(),
  };
};
