/** Groups, grants and assignments written as rows, for tests of what is read of them: how they come about is another test's matter. */
import type { AssignmentId, GrantId, GroupId, NodeId, TenantId } from "../../core/ids.ts";
import type { Principal } from "../../server/authority/caller.ts";
import { newId } from "../../server/platform/random.ts";
import type { Workbench } from "../support/engine.ts";

/** Whom a binding is for. */
export type Holder = Principal | { readonly kind: "group"; readonly id: GroupId };

export type Bound = { readonly condition?: string; readonly expires?: Date };

export type Bindings = {
  /** A group with these members, directly; the flattened form is written too. */
  group(members: readonly Principal[]): Promise<Holder & { readonly kind: "group" }>;
  grant(holder: Holder, node: NodeId, level: string, bound?: Bound): Promise<GrantId>;
  assign(
    holder: Holder,
    node: NodeId,
    role: string,
    bound?: Bound & { readonly propagation?: "self" | "subtree" },
  ): Promise<AssignmentId>;
  run(name: string, sql: string, values: readonly unknown[]): Promise<unknown>;
};

export const bindingsIn = (bench: Workbench, tenant: TenantId): Bindings => {
  const run: Bindings["run"] = (name, sql, values) => bench.sql(tenant, `test.${name}`, sql, [tenant, ...values]);
  return {
    run,
    group: async (members) => {
      const id = newId<GroupId>();
      await run(
        "group",
        `insert into groups (tenant_id, id, node_id, display_name, description, create_time, update_time)
         values ($1, $2, $1, $2::uuid::text, '', now(), now())`,
        [id],
      );
      for (const member of members) {
        await run(
          "member",
          "insert into group_members (tenant_id, group_id, member_kind, member_id, create_time) values ($1, $2, $3, $4, now())",
          [id, member.kind, member.id],
        );
        await run(
          "closure",
          "insert into group_closure (tenant_id, principal_id, group_id, principal_kind) values ($1, $2, $3, $4)",
          [member.id, id, member.kind],
        );
      }
      return { kind: "group", id };
    },
    grant: async (holder, node, level, { condition, expires } = {}) => {
      const id = newId<GrantId>();
      await run(
        "grant",
        `insert into resource_grants (tenant_id, principal_id, node_id, id, principal_kind, level, condition, expire_time, create_time,
           update_time) values ($1, $2, $3, $4, $5, $6, $7, $8, now(), now())`,
        [holder.id, node, id, holder.kind, level, condition ?? null, expires ?? null],
      );
      return id;
    },
    assign: async (holder, node, role, { condition, expires, propagation = "subtree" } = {}) => {
      const id = newId<AssignmentId>();
      await run(
        "assign",
        `insert into role_assignments (tenant_id, principal_id, node_id, id, principal_kind, role_name, propagation, condition, expire_time,
           create_time, update_time) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now(), now())`,
        [holder.id, node, id, holder.kind, role, propagation, condition ?? null, expires ?? null],
      );
      return id;
    },
  };
};
