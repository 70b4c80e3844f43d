/** Revokes an API token for good. When the answer is sent, no process accepts it any more (invariant 7). */
import Type from "typebox";
import { fault, isFault } from "../../core/faults.ts";
import { expectRevision } from "../operations/etag.ts";
import { id, strict } from "../operations/fields.ts";
import { operation } from "../operations/operation.ts";
import { principalVersion } from "../platform/cache/fresh-cache.ts";
import { atToken, knownToken } from "./find.ts";
import { render, stateOf, tokenOutput } from "./model.ts";
import { endToken } from "./store.ts";

const permission = "api-tokens:revoke";

export const revokeApiToken = operation({
  name: "api-tokens.revoke",
  summary: "Revoke an API token",
  kind: "change",
  method: "POST",
  path: "/v1/api-tokens/{id}:revoke",
  status: 200,
  input: strict({
    id,
    reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500, description: "for those who hear of it" })),
  }),
  output: tokenOutput,
  permission,
  scope: "tenant",
  target: atToken(permission),
  event: (token, { reason }) => ({
    type: "token.revoked",
    subject: token.resource,
    data: { token: token.resource, owner: token.owner, reason: reason ?? null },
  }),
  run: async (tx, input, { now, ifMatch }) => {
    const token = await knownToken(tx, input.id);
    if (isFault(token)) return token;
    const expected = expectRevision(ifMatch, token.revision, "optional");
    if (isFault(expected)) return expected;
    const ended = await endToken(tx, token.id, new Date(now), null);
    if (ended === undefined) {
      const state = stateOf(token, now);
      return fault("illegal_transition", `the token is ${state === "active" ? "revoked" : state} already`);
    }
    tx.touch(principalVersion(tx.tenant, token.owner.id));
    return render(ended, now);
  },
});
