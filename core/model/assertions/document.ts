/** What a file of assertions says (`models/*.test.yaml`), once its shape is known to be right: a small world, and what may be done in it. */
import type { Attributes } from "../../decide/types.ts";
import type { Path } from "../document.ts";

export type AssertionsDocument = {
  /** The tree, by ref: `clients/north`. */
  readonly world: ReadonlyMap<string, NodeDocument>;
  /** Whoever is not simply active, and groups with their members; by ref. */
  readonly principals: ReadonlyMap<string, PrincipalDocument>;
  /** A tenant's own roles, by name; they are given as `roles/{name}`. */
  readonly roles: ReadonlyMap<string, OwnRoleDocument>;
  readonly given: readonly Given[];
  readonly tests: readonly Assertion[];
};

/** Every part knows where it stands, so that what is found out about it later can be told with its line. */
type At = { readonly path: Path };

export type NodeDocument = At & {
  /** The ref of what it stands in; none at the top. */
  readonly in: string | undefined;
  readonly state: string;
  readonly owner: string | undefined;
  readonly attributes: Attributes | undefined;
};

export type PrincipalDocument = At & { readonly state: string; readonly members: readonly string[] };

export type OwnRoleDocument = At & {
  readonly permissions: readonly string[];
  readonly withinGrants: readonly string[];
};

/** A role at a perimeter, or a level on a resource. */
export type Given = GivenRole | GivenLevel;

type Binding = At & {
  readonly principal: string;
  readonly condition: string | undefined;
  /** Whether its time is over. */
  readonly expired: boolean;
};

export type GivenRole = Binding & {
  readonly kind: "role";
  readonly role: string;
  /** A perimeter's ref, or `host`. */
  readonly at: string;
  readonly propagation: "subtree" | "self";
};

export type GivenLevel = Binding & { readonly kind: "grant"; readonly level: string; readonly on: string };

export type Assertion = At & {
  readonly name: string;
  readonly principal: string;
  /** Beside what the file gives, for this one alone. */
  readonly given: readonly Given[];
  readonly asking: Asking;
  readonly claims: readonly Claim[];
};

/** Under which circumstances it is asked. */
export type Asking = {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** What the token carries: patterns. Absent: it does not narrow. */
  readonly scopes: readonly string[] | undefined;
  readonly acr: string | undefined;
  /** False where no human stands behind the call. */
  readonly humanPresent: boolean;
  readonly context: Attributes | undefined;
  readonly properties: { readonly subject: Attributes | undefined; readonly resource: Attributes | undefined };
};

/** Permissions on a target, as `payouts:read, payouts:cancel on accounts/north-1` says it. */
export type Deed = At & { readonly permissions: readonly string[]; readonly target: string };

export type Claim =
  | (Deed & { readonly kind: "allow" | "deny" })
  /** The authority is there, and exactly this is still needed. */
  | (Deed & { readonly kind: "obliges"; readonly obligations: readonly string[] })
  /** The rule that gave it, or the step that is missing. */
  | (Deed & { readonly kind: "because"; readonly rule: string })
  /** Of everything the model has, this and nothing else is not denied there. */
  | (At & { readonly kind: "exactly"; readonly target: string; readonly permissions: readonly string[] })
  /** The nodes it is allowed on, out of all in the world that it can be asked about. */
  | (At & { readonly kind: "list"; readonly permission: string; readonly nodes: readonly string[] })
  /** The principals who are allowed to, out of all there are. */
  | (Deed & { readonly kind: "who"; readonly principals: readonly string[] });
