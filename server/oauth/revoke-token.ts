/**
 * Token revocation (RFC 7009). When the answer is sent, no process says yes to the token any more (invariant 7).
 *
 * A token is revoked by the client it was issued to, by its owner, or by who holds `tokens:revoke` in its tenant. It is looked up
 * alive or dead: one that is only asleep, because its tenant is suspended, must not wake up again.
 */
import { fault, isFault, type Result } from "../../core/faults.ts";
import { formatRef, principalRef } from "../../core/ids.ts";
import { appendInTransaction } from "../audit/store.ts";
import { emit } from "../events/store.ts";
import type { Principal } from "../authority/caller.ts";
import { principalVersion } from "../platform/cache/fresh-cache.ts";
import type { Tx } from "../platform/database/database.ts";
import { newId } from "../platform/random.ts";
import { verifyJwt } from "../tokens/access-token.ts";
import { digestOctets } from "../tokens/digest.ts";
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
  if (token.value === undefined)
    return errorResponse(fault("invalid_argument", "the parameter `token` is missing"), false);
  const done = await revokeToken(needs, caller, token.value, request.requestId);
  return isFault(done)
    ? errorResponse(done, false)
    : { status: 200, headers: { ...jsonHeaders, "content-length": "0" }, body: "" };
};

/** Done for a token that never was, too (§2.2): there is nothing left to revoke. */
export const revokeToken = async (
  needs: Revoking,
  caller: Standing,
  text: string,
  requestId: string,
): Promise<Result<"done">> => {
  const presented = recognise(text);
  if (presented === undefined || !isToken(presented) || !mayLookInto(caller.tenant, presented.tenant)) return "done";
  const jwt = presented.kind === "jwt" ? await readSigned(needs, presented) : undefined;
  return needs.platform.database.transaction(presented.tenant, async (tx) => {
    const token = presented.kind === "jwt" ? jwt : await findStored(tx, presented);
    if (token === undefined) return "done";
    const allowed = mayRevoke(needs, caller, token);
    if (isFault(allowed)) return allowed;
    await end(needs, tx, caller, token, requestId);
    return "done";
  });
};

/** A token that exists, and how it is ended. */
type FoundToken = {
  readonly id: string;
  readonly collection: "api-tokens" | "access-tokens";
  readonly owner: Principal;
  readonly clientId: string | null;
  /** True for the one call that ended it. */
  readonly end: (tx: Tx, now: Date) => Promise<boolean>;
};

/** A JWT has no row until it is revoked. One that is forged or expired is nothing to revoke. */
const readSigned = async (needs: Revoking, presented: PresentedJwt): Promise<FoundToken | undefined> => {
  const jwt = await verifyJwt(needs.keys, needs.issuer, presented.jwt, needs.platform.clock.now());
  if (jwt === undefined) return undefined;
  const { jti, exp, client_id } = jwt.claims;
  return {
    id: jti,
    collection: "access-tokens",
    owner: jwt.principal,
    clientId: client_id,
    end: (tx, now) => endJwt(tx, jti, now, new Date(exp * 1000)),
  };
};

const findStored = async (
  tx: Tx,
  presented: Exclude<PresentedToken, PresentedJwt>,
): Promise<FoundToken | undefined> => {
  const { kind } = presented;
  const stored = await findToken(tx, kind, digestOctets(presented.digest));
  return (
    stored && {
      id: stored.id,
      collection: kind === "api_token" ? "api-tokens" : "access-tokens",
      owner: { kind: stored.owner_kind, id: stored.owner_id },
      clientId: stored.client_id,
      end: (inTx, now) => endToken(inTx, kind, stored.id, now),
    }
  );
};

const mayRevoke = (needs: Revoking, caller: Standing, token: FoundToken): Result<true> => {
  const own = token.owner.id === caller.principal.id && (token.clientId === null || token.clientId === caller.clientId);
  if (own) return true;
  return holds(needs.model, caller, revokePermission, needs.platform.clock.now())
    ? true
    : fault("unauthorized_client", "the token was not issued to this client");
};

const end = async (needs: Revoking, tx: Tx, caller: Standing, token: FoundToken, requestId: string): Promise<void> => {
  const now = needs.platform.clock.now();
  if (!(await token.end(tx, new Date(now)))) return;
  tx.touch(principalVersion(tx.tenant, token.owner.id));
  const target = formatRef(token.collection, token.id);
  const owner = principalRef(token.owner.kind, token.owner.id);
  const attribution = clientAttribution(caller, requestId);
  await emit(
    tx,
    { type: "token.revoked", subject: target, data: { token: target, owner, client_id: token.clientId } },
    attribution,
    now,
  );
  await appendInTransaction(tx, {
    tenant: tx.tenant,
    id: newId(),
    time: now,
    action: "oauth.revoke",
    outcome: "done",
    attribution,
    target,
    targetPath: null,
    permission: token.owner.id === caller.principal.id ? null : revokePermission,
    bypass: caller.tenant !== tx.tenant,
    because: null,
    detail: null,
  });
};
