/**
 * The access model, compiled: what a deployment protects, as maps and bit sets ready for `decide()`.
 *
 * It is data from start to end. Nothing in the engine knows any name in it; `readModel` is the only way to make one.
 */

import type { Acr } from "../acr.ts";

/**
 * A set of permissions: bit `index % 30` of word `index / 30` stands for the permission at `index` in `Model.permissions`.
 *
 * Thirty a word and not thirty-two, because V8 keeps an integer unboxed only up to 2^30 - 1 where pointers are compressed (Chromium, and
 * Node built that way): a wider word would turn the array into doubles there, and one with its sign bit set would print as a negative
 * number. So a set stays a short array of small integers, and is JSON as it stands.
 *
 * Positions belong to one model. Sets kept outside the process (rows, cache entries) must be kept beside the model's version.
 */
export type PermissionSet = readonly number[];

export type Model = {
  readonly title: string;
  readonly description: string;
  /** By type: `client`. */
  readonly perimeters: ReadonlyMap<string, Perimeter>;
  /** The same, by REST collection: `clients`. */
  readonly collections: ReadonlyMap<string, Perimeter>;
  /** By type, which is also the collection and the first half of its permissions: `documents`. */
  readonly resources: ReadonlyMap<string, Resource>;
  /** Every permission there is, sorted. The position is the bit in a `PermissionSet`. */
  readonly permissions: readonly string[];
  /** The same, by name. A name that is not in here is never permitted. */
  readonly vocabulary: ReadonlyMap<string, Permission>;
  /** Built-in roles, assigned inside a tenant. Tenants add their own beside them. */
  readonly roles: ReadonlyMap<string, Role>;
  /** Roles at the host, above all tenants. */
  readonly hostRoles: ReadonlyMap<string, Role>;
  /** By permission. What is absent needs neither a human nor anyone's consent. */
  readonly governance: ReadonlyMap<string, Governance>;
  /** The parsed document as RFC 8785 JSON, defaults filled in: equal exactly when two files say the same. For hashing. */
  readonly canonical: string;
};

/** A type of tree node at which authority can be anchored. */
export type Perimeter = {
  readonly type: string;
  readonly collection: string;
  /** The perimeter types it may be created in; empty where it is only ever a root. */
  readonly in: readonly string[];
  /** Whether it may stand at the top of a tree, which makes it a tenant. */
  readonly root: boolean;
};

/** A type of protected node below a perimeter. */
export type Resource = {
  readonly type: string;
  /** Perimeter types, resource types (its own included, for nesting), or `host`. */
  readonly in: readonly string[];
  readonly actions: readonly string[];
  readonly levels: ReadonlyMap<string, Level>;
};

/** What a resource grant gives. */
export type Level = {
  readonly name: string;
  readonly permissions: PermissionSet;
  /** Whether the grant is enough alone. Otherwise it counts only under a role that has the permission `within_grants`. */
  readonly sufficient: boolean;
};

export type Permission = {
  /** `resource:action`. */
  readonly name: string;
  readonly resource: string;
  readonly action: string;
  /** Position in `Model.permissions`. */
  readonly index: number;
  /** Which word of a `PermissionSet`, and which bit in it: worked out once, as every check needs them. */
  readonly word: number;
  readonly mask: number;
  /** Whether it belongs to the host alone: no pattern in a tenant's role ever matches it, `*` included. */
  readonly host: boolean;
  readonly governance: Governance | undefined;
};

export type Role = {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** As written: `flows:read`, `flows:*`, `*`. */
  readonly patterns: { readonly permissions: readonly string[]; readonly withinGrants: readonly string[] };
  /** Held everywhere the assignment reaches. */
  readonly permissions: PermissionSet;
  /** Held only where a resource grant gives them too. */
  readonly withinGrants: PermissionSet;
};

/** Who must stand behind a use of a permission. */
export type Governance = {
  /** `machine`: a service may do it for itself. `human`: it needs a human actor of record. */
  readonly class: GovernanceClass;
  /** How strongly that human must have signed in, at least (RFC 9470). Only with class `human`. */
  readonly acr?: Acr;
  readonly approvals: ApprovalRule | undefined;
};

export type GovernanceClass = "machine" | "human";

export type ApprovalRule = {
  /** Distinct humans of record, at least one. */
  readonly required: number;
  readonly initiatorMayApprove: boolean;
  /** From the opening of the case. */
  readonly expiresInSeconds: number;
};

/** The place that is above every tenant; no perimeter or resource may be called so. */
export const hostPlace = "host";
