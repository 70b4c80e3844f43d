/**
 * Random tenants with everything in them that a decision can depend on: a tree with sleeping branches, groups in groups, roles at every
 * height, custom ones among them, grants of every level, conditions, expiries, people of two kinds, one of them suspended.
 */
import fc from "fast-check";
import type { NodeId, PrincipalId, TenantId } from "../../core/ids.ts";
import { newId } from "../../server/platform/random.ts";
import type { Workbench } from "../support/engine.ts";

/** Perimeters, nesting resources, a level that is enough alone, a type that may lie in most others. */
export const model = `
title: Worlds
perimeters:
  organization: { collection: organizations }
  client: { collection: clients, in: [organization] }
  account: { collection: accounts, in: [client, organization] }
resources:
  files:
    in: [organization, client, account, files]
    actions: [read, write, delete]
    levels:
      viewer: [read]
      editor: [read, write]
      guest: [read]
    sufficient: [guest]
  notes:
    in: [files, client]
    actions: [read]
    levels: { reader: [read] }
roles:
  owner: { permissions: ["*"] }
  member: { permissions: ["organizations:read", "clients:read"], within_grants: ["files:read", "files:write", "notes:read"] }
  keeper: { permissions: ["files:*", "accounts:read"] }
  reader: { permissions: ["files:read", "notes:read"] }
host_roles:
  super_admin: { permissions: ["*"] }
governance:
  files:delete: { class: human }
`;

const types = ["client", "account", "files", "files", "files", "notes"] as const;
const placedIn: Readonly<Record<string, readonly string[]>> = {
  client: ["organization"],
  account: ["client", "organization"],
  files: ["organization", "client", "account", "files"],
  notes: ["files", "client"],
};
export const collections: Readonly<Record<string, string>> = {
  organizations: "organization",
  clients: "client",
  accounts: "account",
  files: "files",
  notes: "notes",
};

const conditions = [
  "context.office == true",
  "resource.attributes.status == 'open'",
  "subject.kind == 'human'",
  "now < timestamp('2030-01-01T00:00:00Z')",
  "context.nothing.like.this",
  "subject.properties.rank > 3",
  "resource.owner == subject.ref",
];
const roles = ["owner", "member", "keeper", "reader", "custom-0", "custom-1"] as const;
const customRoles = [
  { permissions: ["files:*"], within: [] },
  { permissions: [], within: ["*"] },
] as const;

const pick = fc.nat({ max: 1_000 });
const rarely = fc.nat({ max: 9 }).map((roll) => roll === 0);
const expiry = fc.constantFrom(null, null, null, -60_000, 60_000);
const condition = fc.option(fc.constantFrom(...conditions), { nil: null, freq: 2 });

/** What a world is made of, as numbers that are taken modulo what there is: so that it can be shrunk. */
export const world = fc.record({
  nodes: fc.array(
    fc.record({ type: fc.constantFrom(...types), parent: pick, asleep: rarely, open: fc.boolean(), owner: pick }),
    { maxLength: 24 },
  ),
  assignments: fc.array(
    fc.record({
      who: pick,
      node: pick,
      role: fc.constantFrom(...roles),
      propagation: fc.constantFrom("subtree", "self"),
      expiry,
      condition,
    }),
    { maxLength: 10 },
  ),
  grants: fc.array(
    fc.record({
      who: pick,
      node: pick,
      level: fc.constantFrom("viewer", "editor", "guest", "reader"),
      expiry,
      condition,
    }),
    { maxLength: 14 },
  ),
  /** For each principal, which groups it ends up in. */
  inGroups: fc.array(fc.nat({ max: 7 }), { minLength: 5, maxLength: 5 }),
  suspended: fc.option(fc.nat({ max: 3 }), { nil: undefined, freq: 3 }),
  circumstances: fc.record({ office: fc.boolean(), rank: fc.nat({ max: 6 }) }),
});
export type World = typeof world extends fc.Arbitrary<infer Made> ? Made : never;

export type Planted = {
  /** By collection, refs of all there are. */
  readonly refs: ReadonlyMap<string, readonly string[]>;
  /** Refs: two services, two humans, and one of each that is nobody here. */
  readonly principals: readonly string[];
};

/** Writes the world into an empty tenant, past every operation: what is stored may be anything the schema allows. */
export const plant = async (bench: Workbench, tenant: TenantId, made: World): Promise<Planted> => {
  const at = new Date(bench.clock.ms);
  const run = (name: string, text: string, values: readonly unknown[]) =>
    bench.sql(tenant, `world.${name}`, text, [tenant, at, ...values]);

  const principals = [0, 1, 2, 3].map((nth) => ({
    id: newId<PrincipalId>(),
    kind: nth < 2 ? "service" : "human",
    state: made.suspended === nth ? (nth < 2 ? "disabled" : "suspended") : "active",
  }));
  const groups = [0, 1, 2].map(() => newId());
  const whose = [...principals, ...groups.map((id) => ({ id, kind: "group" }))];
  await run(
    "services",
    `insert into service_accounts (tenant_id, id, node_id, client_id, display_name, state, scopes, access_token_format,
        access_token_ttl_seconds, create_time, update_time)
     select $1::uuid, p.id, $1::uuid, 'sa_live_' || p.id, 'S', p.state, '{*}', 'jwt', 900, $2, $2
       from jsonb_to_recordset($3::jsonb) as p (id uuid, kind text, state text) where p.kind = 'service'`,
    [JSON.stringify(principals)],
  );
  await run(
    "humans",
    `insert into users (tenant_id, id, node_id, email, display_name, state, identity_source, create_time, update_time)
     select $1::uuid, p.id, $1::uuid, p.id || '@acme.example', 'H', p.state, 'platform', $2, $2
       from jsonb_to_recordset($3::jsonb) as p (id uuid, kind text, state text) where p.kind = 'human'`,
    [JSON.stringify(principals)],
  );
  await run(
    "memberships",
    `insert into memberships (tenant_id, id, user_id, home_tenant_id, node_id, create_time, update_time)
     select $1::uuid, p.id, p.id, $1::uuid, $1::uuid, $2, $2
       from jsonb_to_recordset($3::jsonb) as p (id uuid, kind text, state text) where p.kind = 'human'`,
    [JSON.stringify(principals)],
  );
  const customs = customRoles.map((role, nth) => ({ ...role, id: newId(), name: `custom-${nth}` }));
  await run(
    "roles",
    `insert into roles (tenant_id, id, display_name, description, permissions, within_grants, create_time, update_time)
     select $1::uuid, r.id, r.name, '', r.permissions, r.within, $2, $2
       from jsonb_to_recordset($3::jsonb) as r (id uuid, name text, permissions text[], within text[])`,
    [JSON.stringify(customs)],
  );

  const nodes: { id: string; type: string; ancestors: readonly string[]; asleep: boolean }[] = [
    { id: tenant, type: "organization", ancestors: [tenant], asleep: false },
  ];
  const rows = made.nodes.flatMap(({ type, parent, asleep, open, owner }) => {
    const possible = nodes.filter((one) => placedIn[type]?.includes(one.type));
    const above = possible[parent % Math.max(possible.length, 1)];
    if (above === undefined) return [];
    const id = newId<NodeId>();
    const node = { id, type, ancestors: [id, ...above.ancestors], asleep };
    nodes.push(node);
    const mine = principals[owner % principals.length];
    return [{ ...node, parent: above.id, status: open ? "open" : "shut", owner_kind: mine?.kind, owner_id: mine?.id }];
  });
  await run(
    "nodes",
    `insert into nodes (tenant_id, id, type, parent_id, ancestors, display_name, state, create_time, update_time, owner_kind, owner_id, attributes)
     select $1::uuid, n.id, n.type, n.parent, n.ancestors, 'N', case when n.asleep then 'suspended' else 'active' end,
            $2::timestamptz + make_interval(secs => n.nth), $2, n.owner_kind, n.owner_id, jsonb_build_object('status', n.status)
       from jsonb_to_recordset($3::jsonb) as n (id uuid, type text, parent uuid, ancestors uuid[], asleep boolean, status text,
         owner_kind text, owner_id uuid, nth integer)`,
    [JSON.stringify(rows.map((row, nth) => ({ ...row, nth: nth % 3 })))],
  );

  await run(
    "groups",
    `insert into groups (tenant_id, id, node_id, display_name, description, create_time, update_time)
     select $1::uuid, g.id, $1::uuid, g.id::text, '', $2, $2 from jsonb_to_recordset($3::jsonb) as g (id uuid)`,
    [JSON.stringify(groups.map((id) => ({ id })))],
  );
  const closure = principals.flatMap(({ id, kind }, nth) =>
    groups.flatMap((group, bit) => (((made.inGroups[nth] ?? 0) >> bit) & 1 ? [{ id, kind, group }] : [])),
  );
  await bench.sql(
    tenant,
    "world.closure",
    `insert into group_closure (tenant_id, principal_id, group_id, principal_kind)
     select $1::uuid, c.id, c."group", c.kind from jsonb_to_recordset($2::jsonb) as c (id uuid, "group" uuid, kind text)`,
    [tenant, JSON.stringify(closure)],
  );

  const chosen = <Item>(all: readonly Item[], nth: number): Item => all[nth % all.length] as Item;
  const expires = (ms: number | null) => (ms === null ? null : new Date(bench.clock.ms + ms).toISOString());
  await run(
    "assignments",
    `insert into role_assignments (tenant_id, id, principal_id, principal_kind, node_id, role_name, role_id, propagation, condition,
        expire_time, create_time, update_time)
     select $1::uuid, a.id, a.who, a.kind, a.node, a.role_name, a.role_id, a.propagation, a.condition, a.expires, $2, $2
       from jsonb_to_recordset($3::jsonb) as a (id uuid, who uuid, kind text, node uuid, role_name text, role_id uuid, propagation text,
         condition text, expires timestamptz) on conflict do nothing`,
    [
      JSON.stringify(
        made.assignments.map(({ who, node, role, propagation, expiry: ms, condition: text }) => {
          const custom = customs.find(({ name }) => name === role);
          return {
            id: newId(),
            who: chosen(whose, who).id,
            kind: chosen(whose, who).kind,
            node: chosen(nodes, node).id,
            role_name: custom === undefined ? role : null,
            role_id: custom?.id ?? null,
            propagation,
            condition: text,
            expires: expires(ms),
          };
        }),
      ),
    ],
  );
  const shareable = nodes.filter(({ type }) => type === "files" || type === "notes");
  await run(
    "grants",
    `insert into resource_grants (tenant_id, id, principal_id, principal_kind, node_id, level, condition, expire_time, create_time, update_time)
     select $1::uuid, g.id, g.who, g.kind, g.node, g.level, g.condition, g.expires, $2, $2
       from jsonb_to_recordset($3::jsonb) as g (id uuid, who uuid, kind text, node uuid, level text, condition text, expires timestamptz)
         on conflict do nothing`,
    [
      JSON.stringify(
        shareable.length === 0
          ? []
          : made.grants.map(({ who, node, level, expiry: ms, condition: text }) => ({
              id: newId(),
              who: chosen(whose, who).id,
              kind: chosen(whose, who).kind,
              node: chosen(shareable, node).id,
              level,
              condition: text,
              expires: expires(ms),
            })),
      ),
    ],
  );

  const refs = new Map(
    Object.entries(collections).map(([collection, type]) => [
      collection,
      nodes.filter((one) => one.type === type).map(({ id }) => `${collection}/${id}`),
    ]),
  );
  return {
    refs,
    principals: [
      ...principals.map(({ kind, id }) => `${kind === "human" ? "users" : "service-accounts"}/${id}`),
      `users/${newId()}`,
      `service-accounts/${newId()}`,
      // a service account, called a human
      `users/${principals[0]?.id}`,
    ],
  };
};
