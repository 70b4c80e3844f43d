/** What tests of authority share: callers with any permissions, humans, the server's own verifier, and refs. */
import { rights } from "../../core/decide/decide.ts";
import { type GroupId, type NodeId, principalRef, type PrincipalId, rootNode, type TenantId } from "../../core/ids.ts";
import { expand, permissionsIn } from "../../core/model/permissions.ts";
import type { Caller, Principal } from "../../server/authority/caller.ts";
import { factsOf } from "../../server/authority/facts.ts";
import { flatten, holdGroupMembers } from "../../server/authority/group-members-store.ts";
import { readFactsIn } from "../../server/authority/store.ts";
import { insertAssignment } from "../../server/authority/assignments-store.ts";
import { createRoleAssignment } from "../../server/access/role-assignments/create-role-assignment.ts";
import { createRole } from "../../server/access/roles/create-role.ts";
import type { SecretKey } from "../../server/platform/keys/seal.ts";
import { silentLog } from "../../server/platform/log.ts";
import { newId } from "../../server/platform/random.ts";
import { recognise } from "../../server/tokens/presented.ts";
import { openSigningKeys } from "../../server/tokens/signing-keys.ts";
import { openVerifier, type Standing } from "../../server/tokens/standing.ts";
import type { Body, Workbench } from "../support/engine.ts";

export const refOf = ({ principal }: { readonly principal: Principal }): string =>
  principalRef(principal.kind, principal.id);

export const day = 24 * 3600 * 1000;
export const later = (bench: Workbench, days: number): string => new Date(bench.clock.ms + days * day).toISOString();

/** The caller as its token would make it: carrying these scopes and no others. */
export const scopedTo = (bench: Workbench, caller: Caller, ...patterns: readonly string[]): Caller => ({
  ...caller,
  scopes: expand(bench.model, patterns).set,
});

/** A service account of the tenant with exactly these permissions, by a custom role that the tenant's owner makes. */
export const callerHolding = async (
  bench: Workbench,
  tenant: TenantId,
  permissions: readonly string[],
  at: {
    readonly ref?: string;
    readonly propagation?: "self" | "subtree";
    readonly within_grants?: readonly string[];
  } = {},
): Promise<Caller> => {
  const owner = await bench.ownerOf(tenant);
  const caller = await bench.callerWith(tenant, undefined);
  const input = { display_name: `role ${newId<string>()}`, permissions, within_grants: at.within_grants ?? [] };
  const role = await bench.ok(createRole, owner, input);
  await bench.ok(createRoleAssignment, owner, {
    parent: at.ref ?? bench.rootRef(tenant),
    principal: refOf(caller),
    role: role.resource,
    propagation: at.propagation ?? "subtree",
  });
  return caller;
};

/** A human at home in the tenant, with a built-in role at its root where one is named. */
export const humanIn = async (bench: Workbench, tenant: TenantId, role?: string): Promise<Principal> => {
  const human: Principal = { kind: "human", id: newId<PrincipalId>() };
  const at = new Date(bench.clock.ms);
  await bench.engine.platform.database.transaction(tenant, async (tx) => {
    await tx.query(
      "test.user",
      `insert into users (tenant_id, id, node_id, email, display_name, state, identity_source, create_time, update_time)
       values ($1, $2, $1, $3, 'Ada', 'active', 'platform', $4, $4)`,
      [tenant, human.id, `${human.id}@example.com`, at],
    );
    await tx.query(
      "test.member",
      `insert into memberships (tenant_id, id, user_id, home_tenant_id, node_id, create_time, update_time)
       values ($1, $2, $3, $1, $1, $4, $4)`,
      [tenant, newId(), human.id, at],
    );
    if (role === undefined) return;
    await insertAssignment(tx, {
      id: newId(),
      principal: human,
      node: rootNode(tenant),
      role: { name: role },
      propagation: "subtree",
      expireTime: null,
      now: at,
    });
  });
  return human;
};

/** What the principal may do at a node now, as decisions read it; what carries a condition is left out. */
export const permissionsAt = async (
  bench: Workbench,
  tenant: TenantId,
  { principal }: { readonly principal: Principal },
  ref: string,
): Promise<readonly string[]> => {
  const key = { principal, bound: tenant, tenant, node: ref.slice(ref.indexOf("/") + 1) as NodeId };
  const stored = await bench.engine.platform.database.transaction(tenant, (tx) => readFactsIn(tx, key));
  const facts = factsOf(bench.model, key, stored);
  return facts === undefined ? [] : permissionsIn(bench.model, rights(bench.model, facts, bench.clock.ms));
};

export type TestGroup = {
  readonly id: GroupId;
  readonly ref: string;
  join(member: { readonly principal: Principal }): Promise<void>;
  leave(member: { readonly principal: Principal }): Promise<void>;
};

/** A group at the tenant's root, written in the store: for tests of what groups are given, not of groups. */
export const groupOf = async (
  bench: Workbench,
  tenant: TenantId,
  members: readonly { readonly principal: Principal }[],
): Promise<TestGroup> => {
  const id = newId<GroupId>();
  const at = new Date(bench.clock.ms);
  const { database } = bench.engine.platform;
  await bench.sql(
    tenant,
    "test.group",
    "insert into groups (tenant_id, id, node_id, display_name, description, create_time, update_time) values ($1, $2, $1, gen_random_uuid()::text, '', $3, $3)",
    [tenant, id, at],
  );
  const write = (name: string, sql: string) => (member: { readonly principal: Principal }) =>
    database.transaction(tenant, async (tx) => {
      await holdGroupMembers(tx);
      await tx.query(name, sql, [tenant, id, member.principal.kind, member.principal.id, at]);
      await flatten(tx, [member.principal]);
    });
  const join = write("test.join", "insert into group_members values ($1, $2, $3, $4, $5)");
  const leave = write(
    "test.leave",
    "delete from group_members where tenant_id = $1 and group_id = $2 and member_kind = $3 and member_id = $4 and $5::timestamptz is not null",
  );
  for (const member of members) await join(member);
  return { id, ref: `groups/${id}`, join, leave };
};

export const suspendPrincipal = (bench: Workbench, tenant: TenantId, { id }: Principal): Promise<unknown> =>
  bench.engine.platform.database.transaction(tenant, (tx) =>
    tx.query("test.disable", "update service_accounts set state = 'disabled' where tenant_id = $1 and id = $2", [
      tenant,
      id,
    ]),
  );

/** Whether the server would accept the text as a token now, and as whose. */
export type Gate = { standing(text: unknown): Promise<Standing | undefined>; close(): void };

export const openGate = async (
  bench: Workbench,
  used: (tenant: TenantId, credential: string) => void = () => undefined,
): Promise<Gate> => {
  const { platform, model, issuer } = bench.engine;
  const secretKey: SecretKey = { octets: Buffer.alloc(32, 7) };
  const keys = await openSigningKeys({
    database: platform.database,
    secretKey,
    clock: platform.clock,
    log: silentLog,
  });
  const verifier = openVerifier({ platform, model, modelVersion: "test", keys, issuer, used });
  return {
    standing: async (text) => (await verifier.verify([recognise(String(text))]))[0]?.standing(),
    close: () => keys.close(),
  };
};

/** How many of the calls ended how: `ok`, or a fault's code. */
export const tally = (
  answers: readonly (Body | { readonly fault: string } | object)[],
): Readonly<Record<string, number>> =>
  answers.reduce<Record<string, number>>((all, answer) => {
    const end = "fault" in answer ? String(answer.fault) : "ok";
    return { ...all, [end]: (all[end] ?? 0) + 1 };
  }, {});
