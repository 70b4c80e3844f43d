/** Which rule permits, if any: the union of `decide.ts`, worked out for one permission and without building a set. */
import type { Permission } from "../model/model.ts";
import { contains } from "../model/permissions.ts";
import { isBefore, isInTenant, isLive, isOn, reaches, type TenantAssignment } from "./reach.ts";
import type { AssignmentFact, Bound, Facts, GrantFact, PermitReason } from "./types.ts";

/** Whether a binding that carries a condition counts. */
export type Holds = (bound: AssignmentFact | GrantFact) => boolean;

/** What was left out might permit: it carries a condition. */
export const unsettled = "unsettled";

/**
 * The most ordinary rule that permits. Bindings that carry a condition count where `holds` says so. Without it they are left out, and
 * where that may have mattered the answer is `unsettled`: nothing else gives an ordinary yes.
 */
export const permitting = (
  permission: Permission,
  facts: Facts,
  at: number,
  holds: Holds | undefined,
): PermitReason | typeof unsettled | undefined => {
  let role: TenantAssignment | undefined;
  let ceiling: TenantAssignment | undefined;
  let bypass: AssignmentFact | undefined;
  let isOpen = false;

  for (const assignment of facts.assignments) {
    const gives = contains(assignment.permissions, permission);
    const allows = contains(assignment.withinGrants, permission);
    if (!(gives || allows) || !isLive(assignment, at) || !reaches(assignment, facts.path)) continue;
    if (assignment.condition !== undefined && holds === undefined) {
      isOpen = true;
    } else if (!isInTenant(assignment)) {
      if (gives && isBefore(assignment, bypass) && counts(assignment, holds)) bypass = assignment;
    } else {
      if (gives && isBefore(assignment, role) && counts(assignment, holds)) role = assignment;
      if (allows && isBefore(assignment, ceiling) && counts(assignment, holds)) ceiling = assignment;
    }
  }
  if (permission.host) return isOpen ? unsettled : bypass && byHostRole(permission, bypass);
  if (role !== undefined) return byRole(permission, role);

  let alone: GrantFact | undefined;
  let within: GrantFact | undefined;
  for (const grant of facts.grants) {
    if (!contains(grant.permissions, permission) || !isLive(grant, at) || !isOn(grant.resource, facts.path)) continue;
    if (grant.condition !== undefined && holds === undefined) {
      isOpen = true;
    } else if (grant.sufficient) {
      if (isBefore(grant, alone) && counts(grant, holds)) alone = grant;
    } else if (ceiling !== undefined && isBefore(grant, within) && counts(grant, holds)) within = grant;
  }
  if (alone !== undefined) return byGrant(permission, alone);
  if (ceiling !== undefined && within !== undefined) return byRoleWithinGrant(permission, ceiling, within);
  return isOpen ? unsettled : bypass && byHostRole(permission, bypass);
};

/** Asked last: it is what costs something. */
const counts = (bound: AssignmentFact | GrantFact, holds: Holds | undefined): boolean =>
  bound.condition === undefined || holds === undefined || holds(bound);

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
