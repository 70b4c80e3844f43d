/** What is said of one difference between two models: what it does, to whom it may do it, and how a person reads it. */

/**
 * `widens`: somebody who has it may do more, or with less consent, than before. `narrows`: somebody may do less. `strands`: what is stored
 * refers to a name that means nothing any more. `none`: words changed, and nobody's rights.
 */
export type Effect = "widens" | "narrows" | "strands" | "none";

/**
 * Whom a difference is about, by what is stored of them. What nobody has in store makes the difference one that concerns nobody.
 *
 * Everything is listed under the name it is stored by, so that finding it is a look-up and no interpretation.
 */
export type Concern = {
  /** Built-in roles, as assignments, invitations and sign-in policies in tenants name them. */
  readonly roles?: readonly string[];
  /** Host roles, as assignments at the host name them. */
  readonly hostRoles?: readonly string[];
  /** Patterns, as tenants' own roles have them. */
  readonly patterns?: readonly string[];
  /** Patterns, as the host's own roles have them. */
  readonly hostPatterns?: readonly string[];
  /** Patterns, as the scopes of service accounts, API tokens and applications have them. */
  readonly scopes?: readonly string[];
  /** The same of those that live at the host. */
  readonly hostScopes?: readonly string[];
  /** `type/level`, as resource grants and share links have them. */
  readonly levels?: readonly string[];
  /** Types of nodes. */
  readonly types?: readonly string[];
  /** `type in parent type`, as nodes stand; a root stands in nothing: `type in `. */
  readonly placements?: readonly string[];
};

export type ConcernKind = keyof Concern;

export const concernKinds = [
  "roles",
  "hostRoles",
  "patterns",
  "hostPatterns",
  "scopes",
  "hostScopes",
  "levels",
  "types",
  "placements",
] as const satisfies readonly ConcernKind[];

export type Change = {
  readonly effect: Effect;
  /** Where in the model: `roles.member.permissions`, `governance.payouts:approve.class`. */
  readonly path: string;
  /** A sentence without a full stop: "gains `payouts:approve`". */
  readonly what: string;
  /** The permissions that are more, less, or otherwise consented to; sorted. */
  readonly permissions: readonly string[];
  readonly concern: Concern;
};

/** `a`, `b` and 3 more. */
export const quotedNames = (names: readonly string[], max = 6): string => {
  const shown = names.slice(0, max).map((name) => `\`${name}\``);
  const rest = names.length - shown.length;
  return rest > 0 ? `${shown.join(", ")} and ${rest} more` : shown.join(", ");
};

export const without = (names: readonly string[], others: readonly string[]): readonly string[] => {
  const gone = new Set(others);
  return names.filter((name) => !gone.has(name));
};

/** Both maps' keys, each once, sorted. */
export const keysOf = (a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): readonly string[] =>
  [...new Set([...a.keys(), ...b.keys()])].toSorted();
