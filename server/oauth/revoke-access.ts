/**
 * Ending an access token or an API token. It is looked up alive or dead: one that is only asleep, because its tenant is suspended, must not
 * wake up again.
 */
import type { Attribution } from "../../core/attribution.ts";
import { fault, isFault, type Result } from "../../core/faults.ts";
import { formatRef, principalRef } from "../../core/ids.ts";
import { appendAndNumber } from "../audit/store.ts";
import type { Principal } from "../authority/caller.ts";
import { emit } from "../events/store.ts";
import { principalVersion } from "../platform/cache/fresh-cache.ts";
import type { Tx } from "../platform/database/database.ts";
import type { Platform } from "../platform/platform.ts";
import { newId } from "../platform/random.ts";
import { verifyJwt } from "../tokens/access-token.ts";
import { digestOctets } from "../tokens/digest.ts";
import type { PresentedJwt, PresentedToken } from "../tokens/presented.ts";
import type { SigningKeys } from "../tokens/signing-keys.ts";
import { jsonHeaders, type ProtocolResponse } from "./protocol.ts";
import { endJwt, endToken, findToken } from "./store.ts";

export type Ending = { readonly platform: Platform; readonly issuer: string; readonly keys: SigningKeys };

/** What is revoked. With a consistency token (ADR 11), unless there was nothing left to revoke. */
export type Revoked = { readonly consistency?: string };
export const nothingLeft: Revoked = {};

/** RFC 7009 §2.2: there is nothing to say, except which change it was. */
export const revokedResponse = ({ consistency }: Revoked): ProtocolResponse => ({
  status: 200,
  headers: consistency === undefined ? jsonHeaders : { ...jsonHeaders, "countersign-consistency": consistency },
  body: "",
});

export const notYours = fault("unauthorized_client", "the token was not issued to this client");

/** Who revokes, and by what right. */
type Revoker = { readonly attribution: Attribution; readonly permission: string | null; readonly bypass: boolean };

/** Ends an access token or an API token, if `judge` lets it. */
export const revokeAccess = async (
  needs: Ending,
  presented: PresentedToken,
  judge: (token: FoundToken) => Result<Revoker>,
): Promise<Result<Revoked>> => {
  const jwt = presented.kind === "jwt" ? await readSigned(needs, presented) : undefined;
  return needs.platform.database.transaction(presented.tenant, async (tx) => {
    const token = presented.kind === "jwt" ? jwt : await findStored(tx, presented);
    if (token === undefined) return nothingLeft;
    const revoker = judge(token);
    return isFault(revoker) ? revoker : end(needs, tx, revoker, token);
  });
};

/** A token that exists, and how it is ended. */
export type FoundToken = {
  readonly id: string;
  readonly collection: "api-tokens" | "access-tokens";
  readonly owner: Principal;
  readonly clientId: string | null;
  /** True for the one call that ended it. */
  readonly end: (tx: Tx, now: Date) => Promise<boolean>;
};

/** A JWT has no row until it is revoked. One that is forged or expired is nothing to revoke. */
const readSigned = async (needs: Ending, presented: PresentedJwt): Promise<FoundToken | undefined> => {
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

const end = async (
  needs: Pick<Ending, "platform">,
  tx: Tx,
  { attribution, permission, bypass }: Revoker,
  token: FoundToken,
): Promise<Revoked> => {
  const now = needs.platform.clock.now();
  if (!(await token.end(tx, new Date(now)))) return nothingLeft;
  tx.touch(principalVersion(tx.tenant, token.owner.id));
  const target = formatRef(token.collection, token.id);
  const owner = principalRef(token.owner.kind, token.owner.id);
  await emit(
    tx,
    { type: "token.revoked", subject: target, data: { token: target, owner, client_id: token.clientId } },
    attribution,
    now,
  );
  const xid = await appendAndNumber(tx, {
    tenant: tx.tenant,
    id: newId(),
    time: now,
    action: "oauth.revoke",
    outcome: "done",
    attribution,
    target,
    targetPath: null,
    permission,
    bypass,
    because: null,
    detail: null,
  });
  return { consistency: `w${xid}` };
};
