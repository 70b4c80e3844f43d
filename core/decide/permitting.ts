/** Which rule permits, if any: the union of `decide.ts`, worked out for one permission and without building a set. */
import type { Permission } from "../model/model.ts";
import { contains } from "../model/permissions.ts";
import { isBefore, isInTenant, isLive, isOn, reaches, type TenantAssignment } from "./reach.ts";
import type { AssignmentFact, Bound, Facts, GrantFact, PermitReason } from "./types.ts";

/** Whether a binding that carries a condition counts. */
export type Holds = (bound: AssignmentFact | GrantFact) => boolean;

/** The most ordinary rule that permits. Bindings that carry a condition count where `holds` says so; without it, not at all. */
export const permitting = (
  permission: Permission,
  facts: Facts,
  at: number,
  holds: Holds | undefined,
): PermitReason | undefined => {
  let role: TenantAssignment | undefined;
  let ceiling: TenantAssignment | undefined;
  let bypass: AssignmentFact | undefined;

  for (const assignment of facts.assignments) {
    if (!isLive(assignment, at)) continue;
    if (!isInTenant(assignment)) {
      const gives = contains(assignment.permissions, permission) && isBefore(assignment, bypass);
      if (gives && counts(assignment, holds)) bypass = assignment;
      continue;
    }
    const gives = contains(assignment.permissions, permission) && isBefore(assignment, role);
    const allows = contains(assignment.withinGrants, permission) && isBefore(assignment, ceiling);
    if (!(gives || allows) || !reaches(assignment, facts.path) || !counts(assignment, holds)) continue;
    if (gives) role = assignment;
    if (allows) ceiling = assignment;
  }

  if (!permission.host) {
    if (role !== undefined) return byRole(permission, role);
    const byGrant = granting(permission, facts, at, ceiling, holds);
    if (byGrant !== undefined) return byGrant;
  }
  return bypass === undefined ? undefined : byHostRole(permission, bypass);
};

/** Asked last: it is what costs something. */
const counts = (bound: AssignmentFact | GrantFact, holds: Holds | undefined): boolean =>
  bound.condition === undefined || (holds !== undefined && holds(bound));

const granting = (
  permission: Permission,
  facts: Facts,
  at: number,
  ceiling: TenantAssignment | undefined,
  holds: Holds | undefined,
): PermitReason | undefined => {
  let alone: GrantFact | undefined;
  let within: GrantFact | undefined;
  for (const grant of facts.grants) {
    if (!(grant.sufficient || ceiling !== undefined) || !contains(grant.permissions, permission)) continue;
    if (!isBefore(grant, grant.sufficient ? alone : within)) continue;
    if (!isLive(grant, at) || !isOn(grant.resource, facts.path) || !counts(grant, holds)) continue;
    if (grant.sufficient) alone = grant;
    else within = grant;
  }
  if (alone !== undefined) return byGrant(permission, alone);
  return ceiling === undefined || within === undefined ? undefined : byRoleWithinGrant(permission, ceiling, within);
};

/** Absent stays absent: most bindings carry neither, and a reason is written down as it is. */
const bound = ({ condition, via }: Bound): Bound => ({
  ...(condition === undefined ? {} : { condition }),
  ...(via === undefined ? {} : { via }),
});

const isPlain = ({ condition, via }: Bound): boolean => condition === undefined && via === undefined;

const byRole = (permission: Permission, assignment: TenantAssignment): PermitReason => {
  const { id, role, anchor } = assignment;
  const reason = { rule: "role", permission: permission.name, assignment: id, role, anchor } as const;
  return isPlain(assignment) ? reason : { ...reason, ...bound(assignment) };
};

const byGrant = (permission: Permission, grant: GrantFact): PermitReason => {
  const { id, level, resource } = grant;
  const reason = { rule: "grant", permission: permission.name, grant: id, level, resource } as const;
  return isPlain(grant) ? reason : { ...reason, ...bound(grant) };
};

const byRoleWithinGrant = (permission: Permission, assignment: TenantAssignment, grant: GrantFact): PermitReason => {
  const reason = {
    rule: "role_within_grant",
    permission: permission.name,
    assignment: assignment.id,
    role: assignment.role,
    anchor: assignment.anchor,
    grant: grant.id,
    level: grant.level,
    resource: grant.resource,
  } as const;
  if (isPlain(assignment) && isPlain(grant)) return reason;
  return {
    ...reason,
    ...bound(assignment),
    ...(grant.via === undefined ? {} : { grantVia: grant.via }),
    ...(grant.condition === undefined ? {} : { grantCondition: grant.condition }),
  };
};

const byHostRole = (permission: Permission, assignment: AssignmentFact): PermitReason => {
  const { id, role } = assignment;
  const reason = { rule: "host_role", permission: permission.name, assignment: id, role, bypass: true } as const;
  return isPlain(assignment) ? reason : { ...reason, ...bound(assignment) };
};
