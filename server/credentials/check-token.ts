/** What a new token must satisfy, by creation or by rotation: whose it may be, how long it may live, and what it may say. */
import { type Fault, fault, type Result } from "../../core/faults.ts";
import { rootNode } from "../../core/ids.ts";
import { whoSignsIn } from "../authority/assigners-store.ts";
import type { Principal } from "../authority/caller.ts";
import { readFactsIn } from "../authority/store.ts";
import type { OperationContext } from "../operations/operation.ts";
import { knownPatterns, permissionsOf } from "../operations/patterns.ts";
import type { Tx } from "../platform/database/database.ts";
import { heldAnywhere, heldThroughout, lackingIn, namesOf, withinToken } from "../authority/held.ts";
import { api_token_ttl_days_max, isSame, ownerRef } from "./model.ts";

const dayMs = 24 * 3600 * 1000;

/** RFC 3339 text to a time that is ahead, and not too far. */
export const expiryOf = (text: string, now: number): Result<Date> => {
  const ms = Date.parse(text);
  if (ms > now && ms <= now + api_token_ttl_days_max * dayMs) return new Date(ms);
  const why = ms > now ? `is more than ${api_token_ttl_days_max} days away` : "has passed";
  return fault("not_admissible", `\`expire_time\` ${why}`, { errors: [{ path: "expire_time", message: why }] });
};

/**
 * The owner must be there and active: a membership for a human, an account of this tenant for a service. One who never signs in has no token
 * either; should one be made in the moment that is decided, it is none (`credential_facts`).
 */
export const checkOwner = async (tx: Tx, owner: Principal): Promise<Fault | undefined> => {
  const node = rootNode(tx.tenant);
  const { state } = await readFactsIn(tx, { principal: owner, bound: tx.tenant, tenant: tx.tenant, node });
  if (state === "active")
    return owner.kind === "service" || (await whoSignsIn(tx, [owner.id])).has(owner.id)
      ? undefined
      : fault("not_admissible", `\`${ownerRef(owner)}\` does not sign in, and has no tokens`);
  return state === null || state === "deleted"
    ? fault("not_admissible", `there is no \`${ownerRef(owner)}\` in this tenant`)
    : fault("not_admissible", `\`${ownerRef(owner)}\` is ${state}`);
};

/**
 * The scopes must be the creator's to give, and within what the owner holds.
 *
 * For oneself both come to the same: the token can do no more than its owner wherever it is used, so it is enough that the owner holds the
 * scopes somewhere and that the token presented now carries them. For another the creator gets a token of the other's authority into
 * its hands, so it must hold every scope throughout the tenant itself.
 */
export const checkScopes = async (
  tx: Tx,
  owner: Principal,
  scopes: readonly string[],
  context: OperationContext,
): Promise<Fault | undefined> => {
  const { model, caller, now } = context;
  const unknown = knownPatterns(model, tx.tenant, "scopes", scopes);
  if (unknown !== undefined) return unknown;
  const wanted = permissionsOf(model, tx.tenant, scopes);
  const owned = await heldAnywhere(tx, model, owner, now);
  const own = caller.tenant === tx.tenant && isSame(owner, caller.principal);
  const given = own ? withinToken(caller, owned) : await heldThroughout(tx, rootNode(tx.tenant), context);

  const [first, ...rest] = lackingIn(model, wanted, given);
  if (first !== undefined) {
    const detail = `the scopes hold ${namesOf([first, ...rest])}, which you or the token you present do not have`;
    return fault("permission_denied", detail, { permission: first });
  }
  const beyondOwner = lackingIn(model, wanted, owned);
  return beyondOwner.length === 0
    ? undefined
    : fault("not_admissible", `the scopes hold ${namesOf(beyondOwner)}, which \`${ownerRef(owner)}\` does not have`);
};
