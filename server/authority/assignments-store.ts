/**
 * The SQL of role assignments that more than one slice writes: a new user's first role, a new member's, an assignment by itself, and
 * what ends with a membership. Reading them for a decision is `store.ts`.
 */
import { type Fault, fault, type Result } from "../../core/faults.ts";
import {
  type AssignmentId,
  type BeneficiaryId,
  type BeneficiaryKind,
  formatRef,
  hostTenant,
  type NodeId,
  parseRef,
  type PrincipalId,
  type RoleId,
  type TenantId,
} from "../../core/ids.ts";
import type { Model, PermissionSet } from "../../core/model/model.ts";
import { expand, isSubset, permissionsIn } from "../../core/model/permissions.ts";
import type { Tx } from "../platform/database/database.ts";
import type { Beneficiary } from "./beneficiaries.ts";

/** Role assignments as they are stored. */
export type AssignmentTable = {
  tenant_id: TenantId;
  principal_id: BeneficiaryId;
  node_id: NodeId;
  id: AssignmentId;
  principal_kind: BeneficiaryKind;
  role_name: string | null;
  role_id: RoleId | null;
  propagation: Propagation;
  condition: string | null;
  expire_time: Date | null;
  revision: number;
  create_time: Date;
  update_time: Date;
};

type Tables = {
  roles: {
    tenant_id: TenantId;
    id: RoleId;
    display_name: string;
    permissions: string[];
    within_grants: string[];
  };
  role_assignments: AssignmentTable;
};

/** Whether an assignment holds below its node too, or there alone. */
export type Propagation = "subtree" | "self";

/** A role built into the model, by its name, or one of the tenant's own, by its id. */
export type RoleName = { readonly name: string } | { readonly id: RoleId };

/** A role that can be assigned in this tenant, and what it gives under the model in force. */
export type FoundRole = {
  readonly role: RoleName;
  /** As a request names it: `owner`, or `roles/{uuid}`. */
  readonly ref: string;
  readonly display: string;
  readonly permissions: PermissionSet;
  readonly withinGrants: PermissionSet;
};

export type NewAssignment = {
  readonly id: AssignmentId;
  readonly principal: Beneficiary;
  readonly node: NodeId;
  readonly role: RoleName;
  readonly propagation: Propagation;
  /** CEL; absent or null holds always. */
  readonly condition?: string | null;
  /** Null never expires. */
  readonly expireTime: Date | null;
  readonly now: Date;
};

/** The text a request names a role by. */
export const roleRef = (role: RoleName): string => ("name" in role ? role.name : formatRef("roles", role.id));

/** `owner` or `roles/{uuid}`: a role of this tenant, or a fault. In the host's own tenant names are those of the host's roles. */
export const findRole = async (tx: Tx, model: Model, text: string): Promise<Result<FoundRole>> => {
  const ref = parseRef(text);
  return ref === undefined ? builtInRole(tx, model, text) : customRole(tx, model, text, ref.id as RoleId);
};

const builtInRole = (tx: Tx, model: Model, name: string): Result<FoundRole> => {
  const roles = tx.tenant === hostTenant ? model.hostRoles : model.roles;
  const found = roles.get(name);
  if (found === undefined)
    return fault(
      "not_admissible",
      `there is no role \`${name}\`; it may be ${[...roles.keys()].join(", ")}, or \`roles/{uuid}\``,
    );
  const { permissions, withinGrants } = found;
  return { role: { name }, ref: name, display: found.title, permissions, withinGrants };
};

const customRole = async (tx: Tx, model: Model, text: string, id: RoleId): Promise<Result<FoundRole>> => {
  if (text !== formatRef("roles", id)) return fault("not_admissible", `\`${text}\` is no role`);
  const row = await tx
    .kysely<Tables>()
    .selectFrom("roles")
    .select(["display_name", "permissions", "within_grants"])
    .where("tenant_id", "=", tx.tenant)
    .where("id", "=", id)
    // Held, so that it can't be deleted before what refers to it is written.
    .forKeyShare()
    .executeTakeFirst();
  if (row === undefined) return fault("not_admissible", `there is no role \`${text}\`, or it is not yours to see`);
  // Read as decisions read it: only at the host do stored patterns reach the host's own permissions (facts.ts).
  const reach = tx.tenant === hostTenant ? "host" : "tenant";
  const [permissions, withinGrants] = [
    expand(model, row.permissions, reach).set,
    expand(model, row.within_grants, reach).set,
  ];
  return { role: { id }, ref: text, display: row.display_name, permissions, withinGrants };
};

/**
 * Nobody grants more than they hold (invariant 8): a fault that names what is missing from `held`, which is what the caller may do at the
 * node the role is to be assigned at. What a role gives within grants counts in full.
 */
export const beyondHeld = (model: Model, role: FoundRole, held: PermissionSet): Fault | undefined => {
  const missing = [role.permissions, role.withinGrants].flatMap((set) =>
    isSubset(set, held)
      ? []
      : permissionsIn(
          model,
          set.map((word, at) => word & ~(held[at] ?? 0)),
        ),
  );
  const [first, ...rest] = [...new Set(missing)].toSorted();
  if (first === undefined) return undefined;
  const others = rest.length === 0 ? "" : ` and ${rest.length} more`;
  return fault(
    "permission_denied",
    `role \`${role.ref}\` gives \`${first}\`${others}, which you do not have there yourself`,
    {
      permission: first,
    },
  );
};

/** False where the principal has this role at this node already, with the same propagation and the same condition. */
export const insertAssignment = async (tx: Tx, assignment: NewAssignment): Promise<boolean> => {
  const { principal, role, now } = assignment;
  const result = await tx
    .kysely<Tables>()
    .insertInto("role_assignments")
    .values({
      tenant_id: tx.tenant,
      principal_id: principal.id,
      node_id: assignment.node,
      id: assignment.id,
      principal_kind: principal.kind,
      role_name: "name" in role ? role.name : null,
      role_id: "id" in role ? role.id : null,
      propagation: assignment.propagation,
      condition: assignment.condition ?? null,
      expire_time: assignment.expireTime,
      revision: 1,
      create_time: now,
      update_time: now,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
};

export type EndedAssignment = { readonly id: AssignmentId; readonly node: NodeId; readonly role: RoleName };

/** Ends what is assigned to the human at the node and below it; says what that was. Above the node nothing changes. */
export const deleteAssignmentsBelow = async (
  tx: Tx,
  user: PrincipalId,
  node: NodeId,
): Promise<readonly EndedAssignment[]> => {
  const rows = await tx.query<{ id: AssignmentId; node_id: NodeId; role_name: string | null; role_id: RoleId }>(
    "authority.end_assignments_below",
    `delete from role_assignments a using nodes n
      where a.tenant_id = $1 and a.principal_kind = 'human' and a.principal_id = $2
        and n.tenant_id = $1 and n.id = a.node_id and $3 = any(n.ancestors)
      returning a.id, a.node_id, a.role_name, a.role_id`,
    [tx.tenant, user, node],
  );
  return rows.map((row) => ({
    id: row.id,
    node: row.node_id,
    role: row.role_name === null ? { id: row.role_id } : { name: row.role_name },
  }));
};
