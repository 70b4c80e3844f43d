/** What tests of authority share: callers with any permissions, humans, the server's own verifier, and refs. */
import { principalRef, type PrincipalId, rootNode, type TenantId } from "../../core/ids.ts";
import { expand } from "../../core/model/permissions.ts";
import type { Caller, Principal } from "../../server/authority/caller.ts";
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
