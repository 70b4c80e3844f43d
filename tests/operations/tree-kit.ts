/** What the tests of groups, resources and moves share: a tenant with two clients, and short names for what is done in it. */
import { formatRef, type GroupId, type NodeId, type PrincipalId, type TenantId } from "../../core/ids.ts";
import { readFactsIn } from "../../server/authority/store.ts";
import { factsOf } from "../../server/authority/facts.ts";
import { decide } from "../../core/decide/decide.ts";
import type { Caller, Principal } from "../../server/authority/caller.ts";
import { accessOperations } from "../../server/access/operations.ts";
import { perimeterOperations } from "../../server/perimeters/operations.ts";
import { createGroup } from "../../server/access/groups/create-group.ts";
import { createResource } from "../../server/access/resources/create-resource.ts";
import type { Operation } from "../../server/operations/operation.ts";
import { newId } from "../../server/platform/random.ts";
import { insertServiceAccount } from "../../server/principals/service-accounts/store.ts";
import type { Body, Workbench } from "../support/engine.ts";

export type Place = { readonly id: NodeId; readonly ref: string };

/** An operation of this part, by its name. */
export const named = (bench: Workbench, name: string): Operation => {
  const found = [...accessOperations, ...perimeterOperations(bench.model)].find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no operation ${name}`);
  return found;
};

export const client = async (bench: Workbench, tenant: TenantId, parent?: NodeId): Promise<Place> => {
  const id = await bench.node(tenant, "client", parent);
  return { id, ref: formatRef("clients", id) };
};

export const account = async (bench: Workbench, tenant: TenantId, parent?: NodeId): Promise<Place> => {
  const id = await bench.node(tenant, "account", parent);
  return { id, ref: formatRef("accounts", id) };
};

/** A registered document. */
export const document = async (bench: Workbench, by: Caller, parent: string, more: object = {}): Promise<Body> =>
  bench.ok(createResource, by, { type: "documents", parent, display_name: "A document", ...more });

export const group = async (bench: Workbench, by: Caller, parent?: string): Promise<Body> =>
  bench.ok(createGroup, by, { display_name: newId<GroupId>(), ...(parent === undefined ? {} : { parent }) });

/** A service account that is managed at the node, and has no authority. */
export const serviceAt = async (bench: Workbench, tenant: TenantId, node: Place): Promise<Principal> => {
  const id = newId<PrincipalId>();
  const at = new Date(bench.clock.ms);
  await bench.engine.platform.database.transaction(tenant, (tx) =>
    insertServiceAccount(tx, {
      tenant,
      id,
      node: { id: node.id, type: "client" },
      clientId: `sa_live_${id.replaceAll("-", "").slice(0, 20)}`,
      displayName: "A service",
      state: "active",
      scopes: ["*"],
      accessTokenFormat: "jwt",
      accessTokenTtlSeconds: 900,
      jwks: null,
      revision: 1,
      createTime: at,
      updateTime: at,
    }),
  );
  return { kind: "service", id };
};

/** What the database and the decision core say of the principal at the node, past every cache. */
export const may = async (
  bench: Workbench,
  tenant: TenantId,
  principal: Principal,
  permission: string,
  node: NodeId,
): Promise<boolean> => {
  const key = { principal, bound: tenant, tenant, node };
  const stored = await bench.engine.platform.database.transaction(tenant, (tx) => readFactsIn(tx, key));
  const facts = factsOf(bench.model, key, stored);
  return facts !== undefined && decide(bench.model, { permission, at: bench.clock.ms }, facts).effect === "permit";
};

/** Every node's ancestors are its parent's with itself in front, over the whole tenant, deleted nodes included. */
export const brokenPaths = (bench: Workbench, tenant: TenantId): Promise<readonly { readonly id: NodeId }[]> =>
  bench.sql<{ id: NodeId }>(
    tenant,
    "test.broken_paths",
    `select n.id from nodes n left join nodes p on p.tenant_id = $1 and p.id = n.parent_id
      where n.tenant_id = $1 and n.ancestors <> array[n.id] || coalesce(p.ancestors, '{}')`,
    [tenant],
  );

/** Every principal's closure is what walking its memberships finds. */
export const staleClosures = (bench: Workbench, tenant: TenantId): Promise<readonly object[]> =>
  bench.sql<object>(
    tenant,
    "test.stale_closures",
    `with recursive reached (principal_id, group_id) as (
       select member_id, group_id from group_members where tenant_id = $1 and member_kind <> 'group'
       union
       select r.principal_id, m.group_id from reached r
         join group_members m on m.tenant_id = $1 and m.member_kind = 'group' and m.member_id = r.group_id
     )
     (select principal_id, group_id from reached except select principal_id, group_id from group_closure where tenant_id = $1)
     union all
     (select principal_id, group_id from group_closure where tenant_id = $1 except select principal_id, group_id from reached)`,
    [tenant],
  );
