/**
 * The permissions every model has, because Countersign itself serves these collections.
 *
 * They stand beside the model's own in roles, scopes and governance, and are checked by the same engine.
 */

/** Fixed resources of the server, by REST collection (or, for `access`, `tokens`, `events` and `audit`, by service). */
export const systemResources = {
  users: ["create", "read", "update", "suspend", "reset", "delete"],
  memberships: ["create", "read", "update", "delete"],
  "service-accounts": ["create", "read", "update", "rotate", "disable"],
  "api-tokens": ["create", "read", "rotate", "revoke"],
  roles: ["create", "read", "update", "delete"],
  "role-assignments": ["create", "read", "revoke"],
  access: ["check", "explain", "search"],
  tokens: ["introspect", "issue", "revoke"],
  events: ["read"],
  audit: ["read"],
  applications: ["create", "read", "update", "rotate", "delete"],
  sessions: ["read", "revoke"],
  invitations: ["create", "read", "revoke"],
  domains: ["create", "read", "verify", "delete"],
  "sign-in-policies": ["read", "update"],
  brandings: ["read", "update"],
  resources: ["create", "read", "update", "delete"],
  "resource-grants": ["create", "read", "revoke"],
  "share-links": ["create", "read", "revoke", "open"],
  groups: ["create", "read", "update", "delete"],
  operations: ["read"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** What can be done to a perimeter of any type. Resuming what was suspended is `suspend` too. */
export const perimeterActions = ["create", "read", "update", "suspend", "delete"] as const;

export const isSystemResource = (name: string): boolean => Object.hasOwn(systemResources, name);
