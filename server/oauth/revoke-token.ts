/**
 * Token revocation (RFC 7009). When the answer is sent, no process says yes to the token any more (invariant 7).
 *
 * A token is revoked by the client it was issued to, by its owner, or by who holds `tokens:revoke` in its tenant. It is looked up
 * alive or dead: one that is only asleep, because its tenant is suspended, must not wake up again.
 */
import { fault, isFault, type Result } from "../../core/faults.ts";
import { formatRef, type PrincipalId } from "../../core/ids.ts";
import { appendInTransaction } from "../audit/store.ts";
import { emit } from "../events/store.ts";
import { principalVersion } from "../platform/cache/fresh-cache.ts";
import type { Tx } from "../platform/database/database.ts";
import { newId } from "../platform/random.ts";
import { verifyJwt } from "../tokens/access-token.ts";
import { holds } from "../tokens/holds.ts";
import { isToken, type PresentedJwt, type PresentedToken, recognise } from "../tokens/presented.ts";
import type { SigningKeys } from "../tokens/signing-keys.ts";
import { mayLookInto, type Standing, type Verifier } from "../tokens/standing.ts";
import { acceptAttempt, type ClientAuthentication, readAttempt } from "./client-authentication.ts";
import { clientAttribution } from "./issue-token.ts";
import { errorResponse, jsonHeaders, parameter, type ProtocolRequest, type ProtocolResponse } from "./protocol.ts";
import { endJwt, endToken, findToken } from "./store.ts";

export type Revoking = ClientAuthentication & { readonly verifier: Verifier; readonly keys: SigningKeys };

const revokePermission = "tokens:revoke";

export const revokeEndpoint = async (needs: Revoking, request: ProtocolRequest): Promise<ProtocolResponse> => {
  const attempt = readAttempt(request, true);
  if (isFault(attempt)) return errorResponse(attempt, request.authorization !== undefined);
  const [verified] = attempt.by === "assertion" ? [undefined] : await needs.verifier.verify([attempt.presented]);
  const caller = await acceptAttempt(needs, attempt, verified);
  if (isFault(caller)) return errorResponse(caller, attempt.header);
  const token = parameter(request.form, "token");
  if (isFault(token)) return errorResponse(token, false);
  if (token.value === undefined) return errorResponse(fault("invalid_argument", "the parameter `token` is missing"), false);
  const done = await revokeToken(needs, caller, token.value, request.requestId);
  return isFault(done) ? errorResponse(done, false) : { status: 200, headers: { ...jsonHeaders, "content-length": "0" }, body: "" };
};

/** Done for a token that never was, too (§2.2): there is nothing left to revoke. */
export const revokeToken = async (needs: Revoking, caller: Standing, text: string, requestId: string): Promise<Result<"done">> => {
  const presented = recognise(text);
  if (presented === undefined || !isToken(presented) || !mayLookInto(caller.tenant, presented.tenant)) return "done";
  if (presented.kind === "jwt" && !(await isOurs(needs, presented))) return "done";
  return needs.platform.database.transaction(presented.tenant, async (tx) => {
    const found = await find(tx, presented);
    if (found === undefined) return "done";
    const allowed = mayRevoke(needs, caller, found);
    if (isFault(allowed)) return allowed;
    await end(needs, tx, caller, presented, found, requestId);
    return "done";
  });
};

type FoundToken = { readonly id: string; readonly owner: PrincipalId; readonly clientId: string | null };

const find = async (tx: Tx, presented: PresentedToken): Promise<FoundToken | undefined> => {
  if (presented.kind === "jwt")
    return { id: presented.jwt.claims.jti, owner: presented.principal, clientId: presented.jwt.claims.client_id };
  const stored = await findToken(tx, presented.kind, presented.hash);
  return stored && { id: stored.id, owner: stored.owner_id, clientId: stored.client_id };
};

/** The signature decides, not the clock: an expired token is done for already. */
const isOurs = (needs: Revoking, presented: PresentedJwt): Promise<boolean> =>
  verifyJwt(needs.keys, needs.issuer, presented.jwt, needs.platform.clock.now());

const mayRevoke = (needs: Revoking, caller: Standing, token: FoundToken): Result<true> => {
  const own = token.owner === caller.principal.id && (token.clientId === null || token.clientId === caller.clientId);
  if (own) return true;
  return holds(needs.model, caller, revokePermission, needs.platform.clock.now())
    ? true
    : fault("unauthorized_client", "the token was not issued to this client");
};

const end = async (
  needs: Revoking,
  tx: Tx,
  caller: Standing,
  presented: PresentedToken,
  token: FoundToken,
  requestId: string,
): Promise<void> => {
  const now = needs.platform.clock.now();
  const at = new Date(now);
  const ended =
    presented.kind === "jwt"
      ? await endJwt(tx, token.id, at, new Date(presented.jwt.claims.exp * 1000))
      : await endToken(tx, presented.kind, token.id, at);
  if (!ended) return;
  tx.touch(principalVersion(tx.tenant, token.owner));
  const target = formatRef(presented.kind === "api_token" ? "api-tokens" : "access-tokens", token.id);
  await emit(tx, { type: "token.revoked", subject: target, data: { token: target, owner: token.owner, client_id: token.clientId } }, now);
  await appendInTransaction(tx, {
    tenant: tx.tenant,
    id: newId(),
    time: now,
    action: "oauth.revoke",
    outcome: "done",
    attribution: clientAttribution(caller, requestId),
    target,
    targetPath: null,
    permission: token.owner === caller.principal.id ? null : revokePermission,
    bypass: caller.tenant !== tx.tenant,
    because: null,
    detail: null,
  });
};
