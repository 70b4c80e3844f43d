/**
 * Changes put beside what is stored: for whom each of them is one, and whether a model may take another's place without anybody saying so.
 *
 * What is stored comes as uses: so many principals, roles or nodes of one tenant are stored under one name, the first of them by ref.
 */
import { type Change, type Concern, type ConcernKind, concernKinds } from "./change.ts";

/** What a name was found on. A principal counts once for a name, whether it has it by itself or through a group. */
export type UseOf = "principals" | "roles" | "invitations" | "policies" | "share_links" | "credentials" | "nodes";

export type Use = {
  /** Ref of the tenant: `organizations/{uuid}`, or `host`. */
  readonly tenant: string;
  readonly kind: ConcernKind;
  readonly name: string;
  readonly of: UseOf;
  readonly count: number;
  /** The first few, as refs. */
  readonly refs: readonly string[];
};

/** One tenant's share of a change. */
export type TenantImpact = { readonly tenant: string; readonly uses: readonly Omit<Use, "tenant">[] };

/** A change that concerns somebody, and whom, tenant by tenant. */
export type Impact = { readonly change: Change; readonly tenants: readonly TenantImpact[] };

/** Everything the changes ask about, each name once: what to look for in the store. */
export const concernOf = (changes: readonly Change[]): Required<Concern> => {
  const names = (kind: ConcernKind): readonly string[] =>
    [...new Set(changes.flatMap(({ concern }) => concern[kind] ?? []))].toSorted();
  return Object.fromEntries(concernKinds.map((kind) => [kind, names(kind)])) as Required<Concern>;
};

/**
 * The changes that concern somebody, in order, with the tenants in the order of the uses. A change that concerns nobody is not among them:
 * a role that nobody has may gain what it likes.
 */
export const impactsOf = (changes: readonly Change[], uses: readonly Use[]): readonly Impact[] =>
  changes.flatMap((change) => {
    if (change.effect === "none") return [];
    const tenants = new Map<string, Omit<Use, "tenant">[]>();
    for (const { tenant, ...use } of uses) {
      if (change.concern[use.kind]?.includes(use.name) !== true) continue;
      const found = tenants.get(tenant) ?? [];
      found.push(use);
      tenants.set(tenant, found);
    }
    return tenants.size === 0
      ? []
      : [{ change, tenants: [...tenants].map(([tenant, found]) => ({ tenant, uses: found })) }];
  });

/** What was allowed aloud. */
export type Allowed = { readonly widening: boolean; readonly stranding: boolean };

/** Of the impacts, those that stand in the way. Narrowing never does: taking rights away is what was asked for, and it is said. */
export const refusedOf = (impacts: readonly Impact[], allowed: Allowed): readonly Impact[] =>
  impacts.filter(
    ({ change: { effect } }) =>
      (effect === "widens" && !allowed.widening) || (effect === "strands" && !allowed.stranding),
  );
