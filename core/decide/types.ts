/**
 * What is asked of `decide()`, what it is told, and what it answers.
 *
 * All three are plain data: facts are cached as JSON, decisions go into the audit log as they are.
 */
import type { NodeId, PrincipalId, PrincipalKind } from "../ids.ts";
import type { ApprovalRule, PermissionSet } from "../model/model.ts";

export type Question = {
  /** `resource:action`. A name the model does not have is denied. */
  readonly permission: string;
  /** What the token may at most be used for. Absent: the token does not narrow. Empty: it allows nothing. */
  readonly scopes?: PermissionSet;
  /** Milliseconds since the epoch. Whatever expires at or before it has expired. */
  readonly at: number;
  /**
   * False where attribution found that the human the facts are about did not initiate this. Nothing can say the opposite: only facts about
   * a human have a human actor of record, as delegated calls are decided on the human's facts.
   */
  readonly humanPresent?: boolean;
  /** How the human authenticated (RFC 9470 `acr`). Absent: not known, which meets no demand. */
  readonly acr?: string;
  /** Attributes of the request, as whoever asks vouches for them: `context` in a condition. */
  readonly context?: Attributes;
  /** Attributes of the subject and of the resource, likewise: `subject.properties` and `resource.properties` in a condition. */
  readonly properties?: { readonly subject?: Attributes; readonly resource?: Attributes };
};

/** Plain JSON. */
export type Attributes = Readonly<Record<string, unknown>>;

/** Everything about one principal and one target that a decision rests on. Compact JSON, as it is what the cache holds. */
export type Facts = {
  readonly principal: PrincipalFact;
  /** The target first, the tenant's root last. Empty: the target is the host itself, which only host roles reach. */
  readonly path: readonly PathNode[];
  /** The principal's assignments. Those that do not reach the target may be left out; they change nothing but the reason of a denial. */
  readonly assignments: readonly AssignmentFact[];
  /** The principal's resource grants, likewise. */
  readonly grants: readonly GrantFact[];
  /** What is stored of the target itself; absent where nothing is. For conditions. */
  readonly resource?: ResourceFact;
};

/** What of a question conditions are evaluated on, besides its time. */
export type Circumstances = Pick<Question, "acr" | "context" | "properties">;

export type ResourceFact = {
  /** Ref of the principal who owns it: `users/{uuid}`. */
  readonly owner?: string;
  readonly attributes?: Attributes;
};

/** `active` is the one state that counts; every other word is a denial, known or not. */
export type PrincipalFact = { readonly id: PrincipalId; readonly kind: PrincipalKind; readonly state: string };

export type PathNode = { readonly node: NodeId; readonly type: string; readonly state: string };

export type AssignmentFact = {
  readonly id: string;
  readonly role: string;
  /** Where it is anchored. `host` reaches everything. */
  readonly anchor: NodeId | "host";
  /** Whether it holds below its anchor too, or at the anchor alone. */
  readonly propagation: "subtree" | "self";
  readonly permissions: PermissionSet;
  readonly withinGrants: PermissionSet;
  /** Milliseconds since the epoch; null never expires. */
  readonly expiresAt: number | null;
} & Bound;

/** What assignments and grants have in common. Both are absent where there is none: facts are cached, and most have neither. */
export type Bound = {
  /** CEL. It counts only while this is exactly true; whatever it can't be evaluated on is a no. */
  readonly condition?: string;
  /** Ref of the group through which the principal has it: `groups/{uuid}`. */
  readonly via?: string;
};

export type GrantFact = {
  readonly id: string;
  /** The node it was given on; it holds at that node and below. */
  readonly resource: NodeId;
  readonly level: string;
  readonly permissions: PermissionSet;
  /** Whether the model marks the level as enough alone. */
  readonly sufficient: boolean;
  readonly expiresAt: number | null;
} & Bound;

/**
 * The answer. Only `permit` is a yes.
 *
 * `conditional` means that the authority is there and something else is not: each obligation names it, and until all of them are met the
 * action must not run. It is an effect of its own, and not a permit with a list to remember, so that a caller who reads nothing but
 * `effect === "permit"` errs on the safe side.
 */
export type Decision =
  | { readonly effect: "permit"; readonly because: PermitReason; readonly obligations: readonly [] }
  | { readonly effect: "conditional"; readonly because: PermitReason; readonly obligations: Obligations }
  | { readonly effect: "deny"; readonly because: DenyReason; readonly obligations: readonly [] };

/** At least one, or the effect would have been `permit`. */
export type Obligations = readonly [Obligation, ...Obligation[]];

export type Obligation =
  /** A human actor of record must stand behind the call. */
  | { readonly kind: "human" }
  /** An approval case must be opened, and closed in favour. */
  | { readonly kind: "approval"; readonly rule: ApprovalRule }
  /** The human must authenticate again, up to `acr` (RFC 9470). Never beside `human`: only a human can. */
  | { readonly kind: "step_up"; readonly acr: string };

/**
 * Which rule gave the authority. Where several do, the same one is named whatever the order of the facts: see `decide()`. `via` names the
 * group it came through, and `condition` the one that held; both are absent where there was none.
 */
export type PermitReason = ByRole | ByGrant | ByRoleWithinGrant | ByHostRole;

type ByRole = {
  readonly rule: "role";
  readonly permission: string;
  readonly assignment: string;
  readonly role: string;
  readonly anchor: NodeId;
} & Bound;

type ByGrant = {
  readonly rule: "grant";
  readonly permission: string;
  readonly grant: string;
  readonly level: string;
  readonly resource: NodeId;
} & Bound;

/** `via` and `condition` are the assignment's. */
type ByRoleWithinGrant = {
  readonly rule: "role_within_grant";
  readonly permission: string;
  readonly assignment: string;
  readonly role: string;
  readonly anchor: NodeId;
  readonly grant: string;
  readonly level: string;
  readonly resource: NodeId;
  readonly grantVia?: string;
  readonly grantCondition?: string;
} & Bound;

/** The super admin's way: no one inside the tenant gave this authority, and the audit entry must say so. */
type ByHostRole = {
  readonly rule: "host_role";
  readonly permission: string;
  readonly assignment: string;
  readonly role: string;
  readonly bypass: true;
} & Bound;

/** The nearest step that is missing: the first of these, in this order, that applies. */
export type DenyReason =
  | { readonly rule: "unknown_permission"; readonly permission: string }
  | {
      readonly rule: "principal_not_active";
      readonly permission: string;
      readonly principal: PrincipalId;
      readonly state: string;
    }
  | {
      readonly rule: "perimeter_not_active";
      readonly permission: string;
      readonly node: NodeId;
      readonly type: string;
      readonly state: string;
    }
  /** A role or a grant gives it; the token does not carry it. */
  | { readonly rule: "out_of_scope"; readonly permission: string }
  /** A role or a grant that would do reaches, and its condition is not met. */
  | ConditionNotMet
  /** A role reaches and gives it within grants; no grant does. */
  | { readonly rule: "needs_grant"; readonly permission: string; readonly assignment: string; readonly role: string }
  /** A grant reaches and gives it, but not alone; no role does. */
  | { readonly rule: "needs_role"; readonly permission: string; readonly grant: string; readonly level: string }
  /** An assignment that reaches and gives it has expired. */
  | {
      readonly rule: "expired";
      readonly permission: string;
      readonly assignment: string;
      readonly role: string;
      readonly expiredAt: number;
    }
  /** A role gives it somewhere else. */
  | {
      readonly rule: "out_of_reach";
      readonly permission: string;
      readonly assignment: string;
      readonly role: string;
      readonly anchor: NodeId;
    }
  | { readonly rule: "no_role"; readonly permission: string };

/** `error` says why the condition could not be evaluated; it is absent where it was, and was not true. */
export type ConditionNotMet = {
  readonly rule: "condition_not_met";
  readonly permission: string;
  readonly condition: string;
  readonly error?: string;
  readonly via?: string;
} & ({ readonly assignment: string; readonly role: string } | { readonly grant: string; readonly level: string });
