/** Finding an API token is finding where its operations are decided. */
import { type CredentialId, formatRef, type NodeId, rootNode } from "../../core/ids.ts";
import { isFault, type Result } from "../../core/faults.ts";
import type { Permission } from "../../core/model/model.ts";
import { contains } from "../../core/model/permissions.ts";
import type { Principal } from "../authority/caller.ts";
import type { Target, TargetContext } from "../operations/operation.ts";
import { noSuch } from "../operations/targets.ts";
import type { Tx } from "../platform/database/database.ts";
import { assignmentsAnywhere } from "../authority/held.ts";
import { type ApiToken, collection, isSame, tokenRef } from "./model.ts";
import { findToken } from "./store.ts";

export const knownToken = async (tx: Tx, id: string): Promise<Result<ApiToken>> =>
  (await findToken(tx, id as CredentialId)) ?? noSuch(formatRef(collection, id));

/**
 * A token acts wherever its owner may, so the permission over another's tokens must hold at the root of the tenant. Over one's own it may
 * be held anywhere: they reach no further than oneself, and a service account whose roles are all at one client is to manage its own.
 */
export const overTokensOf = async (
  tx: Tx,
  owner: Principal,
  permission: string,
  ref: string,
  context: TargetContext,
): Promise<Target> => {
  const root: Target = { node: rootNode(tx.tenant), ref };
  const { model, caller } = context;
  const asked = model.vocabulary.get(permission);
  const own = caller.tenant === tx.tenant && isSame(owner, caller.principal);
  return own && asked !== undefined ? { ...root, node: await lastingPlace(tx, context, asked) } : root;
};

/** Where the caller holds the permission for longest, and on no condition if it can be. Whether it still does is then decided there. */
const lastingPlace = async (tx: Tx, { model, caller, now }: TargetContext, asked: Permission): Promise<NodeId> => {
  const giving = (await assignmentsAnywhere(tx, model, caller.principal))
    .filter(({ permissions }) => contains(permissions, asked))
    .toSorted(
      (one, other) =>
        Number(lasting(one.expiresAt) <= now) - Number(lasting(other.expiresAt) <= now) ||
        Number(one.condition !== undefined) - Number(other.condition !== undefined) ||
        lasting(other.expiresAt) - lasting(one.expiresAt),
    );
  const anchor = giving[0]?.anchor ?? "host";
  return anchor === "host" ? rootNode(tx.tenant) : anchor;
};

const lasting = (expiresAt: number | null): number => expiresAt ?? Number.MAX_VALUE;

/** For an operation on one token, with the permission it needs. */
export const atToken =
  (permission: string) =>
  async (tx: Tx, input: { readonly id: string }, context: TargetContext): Promise<Result<Target>> => {
    const token = await knownToken(tx, input.id);
    return isFault(token) ? token : overTokensOf(tx, token.owner, permission, tokenRef(token.id), context);
  };
