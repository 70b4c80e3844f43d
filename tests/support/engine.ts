/**
 * Operations on a workbench: `perform()` over a real PostgreSQL and a cache, with hand-made callers where authentication would be.
 *
 *     const bench = await openWorkbench();
 *     const acme = await bench.tenant("Acme");
 *     const owner = await bench.ownerOf(acme);
 *     const user = await bench.ok(registerUser, owner, { parent: bench.rootRef(acme), email: "ada@acme.example", display_name: "Ada" });
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Fault, type FaultCode, isFault, type Result } from "../../core/faults.ts";
import { formatRef, hostTenant, type NodeId, type PrincipalId, rootNode, type TenantId } from "../../core/ids.ts";
import { hostPlace, type Model, type Perimeter, type PermissionSet } from "../../core/model/model.ts";
import { formatModelError, readModel } from "../../core/model/read-model.ts";
import { openAuditAppender } from "../../server/audit/append.ts";
import { insertAssignment } from "../../server/authority/assignments-store.ts";
import type { Caller, Principal } from "../../server/authority/caller.ts";
import { factsOf } from "../../server/authority/facts.ts";
import { factsLookup, lookUp, type StoredFacts } from "../../server/authority/store.ts";
import { openPasswordHasher } from "../../server/credentials/passwords/hasher.ts";
import type { Operation } from "../../server/operations/operation.ts";
import {
  type Answer,
  type Engine,
  perform,
  prepare,
  type PreparedOperation,
  type RequestMeta,
} from "../../server/operations/perform.ts";
import { openMemoryCache } from "../../server/platform/cache/memory-cache.ts";
import { migratePostgres, openPostgres } from "../../server/platform/database/postgres.ts";
import { openDns } from "../../server/platform/dns.ts";
import { openLimits } from "../../server/platform/limits/limits.ts";
import { silentLog } from "../../server/platform/log.ts";
import { newId, randomOctets } from "../../server/platform/random.ts";
import { insertServiceAccount } from "../../server/principals/service-accounts/store.ts";
import { insertNode } from "../../server/tree/store.ts";
import { freshDatabase } from "./postgres.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What an answer holds. The fields most have are named; a test knows which operation it called. */
export type Body = {
  readonly [field: string]: unknown;
  readonly id: string;
  readonly resource: string;
  readonly state: string;
  readonly etag: string;
  readonly items: readonly Body[];
  readonly next_page_token: string;
};

export type EventRow = {
  readonly type: string;
  readonly subject: string;
  readonly data: Readonly<Record<string, unknown>>;
};
export type AuditRow = {
  readonly action: string;
  readonly outcome: string;
  readonly authenticated_principal: string | null;
  readonly actor_of_record: string | null;
  readonly credential: string | null;
  readonly target: string | null;
  readonly target_path: readonly string[] | null;
  readonly permission: string | null;
  readonly bypass: boolean;
  readonly because: Readonly<Record<string, unknown>> | null;
  readonly detail: Readonly<Record<string, unknown>> | null;
};

export type Workbench = {
  readonly engine: Engine;
  readonly model: Model;
  /** Moved by tests; starts at 2026-01-31T08:00:00Z. */
  readonly clock: { ms: number };
  /** A service account of the host that is a `super_admin`. */
  readonly host: Caller;
  /** The model's root perimeter type. */
  readonly rootType: Perimeter;
  /** A new, active tenant, made in the store: tests of other things need not create one. */
  tenant(displayName?: string): Promise<TenantId>;
  /** A node below `parent`, likewise. */
  node(tenant: TenantId, type: string, parent?: NodeId): Promise<NodeId>;
  /** A caller with the built-in role at the node, the root where none is named. No role: a member without authority. */
  callerWith(
    tenant: TenantId,
    role: string | undefined,
    at?: { readonly node?: NodeId; readonly scopes?: PermissionSet },
  ): Promise<Caller>;
  ownerOf(tenant: TenantId): Promise<Caller>;
  /** The principal, as if it had presented a token for the tenant. */
  as(tenant: TenantId, principal: Principal, scopes?: PermissionSet): Promise<Caller>;
  /** `organizations/{uuid}`. */
  rootRef(tenant: TenantId): string;
  call(operation: Operation, caller: Caller, input: object, meta?: Partial<RequestMeta>): Promise<Result<Answer>>;
  /** The answer's body, of a call that must succeed. */
  ok(operation: Operation, caller: Caller, input: object, meta?: Partial<RequestMeta>): Promise<Body>;
  /** The fault, of a call that must end in this one. */
  refused(
    code: FaultCode,
    operation: Operation,
    caller: Caller,
    input: object,
    meta?: Partial<RequestMeta>,
  ): Promise<Fault>;
  /** Everything emitted in the tenant so far, oldest first. */
  events(tenant: TenantId): Promise<readonly EventRow[]>;
  audit(tenant: TenantId): Promise<readonly AuditRow[]>;
  /** Whatever a test must look at, or arrange, that no operation shows. */
  sql<Row>(tenant: TenantId, name: string, sql: string, values: readonly unknown[]): Promise<readonly Row[]>;
  /** Version keys published since this was last asked: what cached answers have just become worthless. */
  published(): readonly string[];
  close(): Promise<void>;
};

/** `model` is a name in models/, or the text of a whole model. */
export const openWorkbench = async ({
  model: named = "default",
  dnsServers = "",
}: {
  readonly model?: string;
  /** As in the setting. */
  readonly dnsServers?: string;
} = {}): Promise<Workbench> => {
  const model = await modelOf(named);
  const clock = { ms: Date.parse("2026-01-31T08:00:00Z"), now: () => clock.ms };
  const cache = openMemoryCache({ clock, random: randomOctets });
  const { url, drop } = await freshDatabase("migrated");
  await migratePostgres(url, `${root}/migrations`);
  let published: string[] = [];
  const database = await openPostgres({
    url,
    poolSize: 8,
    statementTimeoutMs: 10_000,
    hooks: {
      fence: cache.fence,
      publish: async (keys) => {
        published.push(...keys);
        await cache.publish(keys);
      },
    },
  });
  const hasher = openPasswordHasher();
  const engine: Engine = {
    platform: { database, cache, clock, log: silentLog },
    model,
    issuer: "http://localhost:8080",
    audit: openAuditAppender(database),
    pageKey: randomOctets(32),
    sealKey: { octets: randomOctets(32) },
    dns: openDns(dnsServers),
    limits: openLimits({ redis: undefined, key: randomOctets(32) }),
    hashing: hasher,
  };
  const rootType = [...model.perimeters.values()].find((perimeter) => perimeter.root);
  assert.ok(rootType, "the model has a root type");

  const plant = async (
    tenant: TenantId,
    id: NodeId,
    type: string,
    above: readonly NodeId[],
    displayName: string,
  ): Promise<void> => {
    const at = new Date(clock.now());
    const node = {
      tenant,
      id,
      type,
      parent: above[0] ?? null,
      ancestors: [id, ...above],
      displayName,
      state: "active",
    } as const;
    await database.transaction(tenant, (tx) =>
      insertNode(tx, { ...node, revision: 1, createTime: at, updateTime: at }),
    );
  };

  const as: Workbench["as"] = async (tenant, principal, scopes) => {
    const key = { principal, bound: tenant, tenant, node: rootNode(tenant) };
    const [stored] = await lookUp(database, [factsLookup(tenant, principal.kind, principal.id, tenant, key.node)]);
    const facts = factsOf(model, key, stored as StoredFacts);
    assert.ok(facts);
    return { principal, tenant, credential: { kind: "access_token", id: newId() }, clientId: null, scopes, facts };
  };

  const callerWith: Workbench["callerWith"] = async (tenant, role, { node = rootNode(tenant), scopes } = {}) => {
    const principal: Principal = { kind: "service", id: newId<PrincipalId>() };
    const at = new Date(clock.now());
    await database.transaction(tenant, async (tx) => {
      await insertServiceAccount(tx, {
        tenant,
        id: principal.id,
        node: { id: rootNode(tenant), type: rootType.type },
        clientId: `sa_live_${principal.id.replaceAll("-", "").slice(0, 20)}`,
        displayName: role ?? "nobody",
        state: "active",
        scopes: ["*"],
        accessTokenFormat: "jwt",
        accessTokenTtlSeconds: 900,
        jwks: null,
        revision: 1,
        createTime: at,
        updateTime: at,
      });
      if (role === undefined) return;
      const assignment = {
        id: newId<never>(),
        principal,
        node,
        role: { name: role },
        propagation: "subtree",
        expireTime: null,
        now: at,
      } as const;
      assert.ok(await insertAssignment(tx, assignment));
    });
    return as(tenant, principal, scopes);
  };

  const tenant = async (displayName = "Acme"): Promise<TenantId> => {
    const id = newId<TenantId>();
    await plant(id, rootNode(id), rootType.type, [], displayName);
    return id;
  };

  const prepared = new Map<Operation, PreparedOperation>();
  const call: Workbench["call"] = async (operation, caller, input, meta = {}) => {
    const ready = prepared.get(operation) ?? prepare(model, operation);
    prepared.set(operation, ready);
    return perform(engine, ready, caller, input, {
      requestId: newId(),
      idempotencyKey: undefined,
      ifMatch: undefined,
      tenant: undefined,
      ...meta,
    });
  };

  const rows = async <Row>(of: TenantId, name: string, sql: string): Promise<readonly Row[]> =>
    database.transaction(of, (tx) => tx.query<Row>(name, sql, [of]));

  await plant(hostTenant, rootNode(hostTenant), hostPlace, [], "The host");
  const host = await callerWith(hostTenant, [...model.hostRoles.keys()][0]);
  return {
    engine,
    model,
    clock,
    host,
    rootType,
    tenant,
    node: async (of, type, parent = rootNode(of)) => {
      const id = newId<NodeId>();
      const sql = "select ancestors from nodes where tenant_id = $1 and id = $2";
      const [found] = await database.transaction(of, (tx) =>
        tx.query<{ ancestors: NodeId[] }>("test.ancestors", sql, [of, parent]),
      );
      await plant(of, id, type, found?.ancestors ?? [], `a ${type}`);
      return id;
    },
    callerWith,
    as,
    ownerOf: (of) => callerWith(of, "owner"),
    rootRef: (of) => formatRef(rootType.collection, of),
    call,
    ok: async (...args) => {
      const answer = await call(...args);
      assert.ok(!isFault(answer), `expected an answer, got ${JSON.stringify(answer)}`);
      return answer.body as Body;
    },
    refused: async (code, ...args) => {
      const answer = await call(...args);
      assert.ok(isFault(answer), `expected ${code}, got ${JSON.stringify(answer)}`);
      assert.equal(answer.fault, code, answer.detail);
      return answer;
    },
    events: (of) =>
      rows<EventRow>(of, "test.events", "select type, subject, data from events where tenant_id = $1 order by seq"),
    audit: (of) =>
      rows<AuditRow>(
        of,
        "test.audit",
        `select action, outcome, authenticated_principal, actor_of_record, credential, target, target_path, permission, bypass, because, detail
           from audit_entries where tenant_id = $1 order by time, ctid`,
      ),
    sql: (of, name, sql, values) => database.transaction(of, (tx) => tx.query(name, sql, values)),
    published: () => {
      const since = published;
      published = [];
      return since;
    },
    close: async () => {
      await hasher.close();
      await database.close();
      await cache.close();
      await drop();
    },
  };
};

const modelOf = async (named: string): Promise<Model> => {
  const path = `models/${named}.yaml`;
  const inline = named.includes("\n");
  const read = readModel(inline ? named : await readFile(`${root}/${path}`, "utf8"), inline ? "inline" : path);
  assert.ok("model" in read, "errors" in read ? read.errors.map(formatModelError).join("\n") : "");
  return read.model;
};
