/** Where operations on a perimeter run, and where they are decided. */
import { isFault, type Result } from "../../core/faults.ts";
import { formatRef, hostTenant, type NodeId, rootNode, type TenantId } from "../../core/ids.ts";
import type { Perimeter } from "../../core/model/model.ts";
import { isHostCaller } from "../authority/caller.ts";
import type { Scope, Target, TargetContext } from "../operations/operation.ts";
import { noSuch } from "../operations/targets.ts";
import type { Tx } from "../platform/database/database.ts";
import { isAlwaysRoot, type PerimeterNode } from "./model.ts";
import { findPerimeter } from "./store.ts";

type ById = { readonly id: string };

/** The perimeter; one of another type is not in this collection. */
export const knownPerimeter = async (
  tx: Tx,
  { type, collection }: Perimeter,
  id: string,
): Promise<Result<PerimeterNode>> => (await findPerimeter(tx, type, id as NodeId)) ?? noSuch(formatRef(collection, id));

/**
 * A root's id is its tenant's. Of a type that may be either, a caller of the host who names no tenant means a root: without a tenant there
 * is no tree to look for another in.
 */
export const tenantOfPerimeter = (type: Perimeter): Scope<ById> => {
  if (isAlwaysRoot(type)) return ({ id }) => id as TenantId;
  if (!type.root) return "tenant";
  return ({ id }, { caller, tenant }) => (isHostCaller(caller) && tenant === undefined ? (id as TenantId) : "tenant");
};

const hostNode = rootNode(hostTenant);

/** At the perimeter itself. The host's callers reach a tenant at the host: they must be able to read and rename a suspended one. */
export const atPerimeter =
  (type: Perimeter) =>
  async (tx: Tx, input: ById, { caller }: TargetContext): Promise<Result<Target>> => {
    const node = await knownPerimeter(tx, type, input.id);
    if (isFault(node)) return node;
    const ref = formatRef(type.collection, node.id);
    return node.parent === null && isHostCaller(caller)
      ? { node: hostNode, ref, atHost: true }
      : { node: node.id, ref };
  };

/** Above the perimeter: at its parent, for a tenant at the host. What is suspended gives nobody the right to resume it. */
export const abovePerimeter =
  (type: Perimeter) =>
  async (tx: Tx, input: ById): Promise<Result<Target>> => {
    const node = await knownPerimeter(tx, type, input.id);
    if (isFault(node)) return node;
    const ref = formatRef(type.collection, node.id);
    return node.parent === null ? { node: hostNode, ref, atHost: true } : { node: node.parent, ref };
  };
