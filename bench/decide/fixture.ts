/**
 * What every engine decides about: 100 tenants of the default access model, each a tree organization > client > account with principals
 * who hold built-in roles at perimeters. The same every time, and in no engine's own terms.
 *
 * Roles at perimeters are what all four engines can express. What only ours has (scopes, grants, governance, suspension, reasons) is not
 * asked for; ours evaluates it all the same.
 */
import { readFileSync } from "node:fs";
import type { NodeId, PrincipalId } from "../../core/ids.ts";
import type { Model } from "../../core/model/model.ts";
import { permissionsIn } from "../../core/model/permissions.ts";
import { readModel } from "../../core/model/read-model.ts";

/** `path` is the node itself first, the tenant's root last. */
export type Node = { readonly id: NodeId; readonly type: string; readonly path: readonly NodeId[] };

export type Assignment = { readonly role: string; readonly node: NodeId; readonly propagation: "subtree" | "self" };

export type Principal = { readonly id: PrincipalId; readonly assignments: readonly Assignment[] };

export type Tenant = { readonly nodes: readonly Node[]; readonly principals: readonly Principal[] };

/** A question: of the tenant at this position, may this principal do this here? */
export type Asked = {
  readonly tenant: number;
  readonly principal: PrincipalId;
  readonly node: NodeId;
  readonly permission: string;
};

export type Fixture = {
  readonly model: Model;
  /** What each built-in role permits, by name. */
  readonly roles: ReadonlyMap<string, readonly string[]>;
  readonly tenants: readonly Tenant[];
  readonly questions: readonly Asked[];
};

/** An engine with everything built that can be built before the first question. */
export type Engine = { check(asked: Asked): boolean };

/** The nodes an assignment holds at. */
export const reached = ({ nodes }: Pick<Tenant, "nodes">, { node, propagation }: Assignment): readonly NodeId[] =>
  nodes.filter(({ id, path }) => (propagation === "subtree" ? path.includes(node) : id === node)).map(({ id }) => id);

const tenants_count = 100;
const clients_per_tenant = 8;
const accounts_per_client = 3;
const principals_per_tenant = 20;
const assignments_max = 4;
/** Enough that no branch predictor learns the answers by heart. */
const questions_count = 20_000;

type Random = () => number;

/** mulberry32: every run and every engine's process must see the same fixture. */
const seeded = (seed: number): Random => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

const pick = <T>(random: Random, values: readonly T[]): T => {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new Error("nothing to pick from");
  return value;
};

const uuid = (random: Random): string => {
  const hex = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
};

const node = (random: Random, type: string, parent: readonly NodeId[]): Node => {
  const id = uuid(random) as NodeId;
  return { id, type, path: [id, ...parent] };
};

const tenantTree = (random: Random): readonly Node[] => {
  const root = node(random, "organization", []);
  const clients = Array.from({ length: clients_per_tenant }, () => node(random, "client", root.path));
  const accounts = clients.flatMap((client) =>
    Array.from({ length: accounts_per_client }, () => node(random, "account", client.path)),
  );
  return [root, ...clients, ...accounts];
};

/** Mostly below the root, mostly for the whole subtree. */
const assignment = (random: Random, nodes: readonly Node[], roles: readonly string[]): Assignment => ({
  role: pick(random, roles),
  node: pick(random, nodes).id,
  propagation: random() < 0.85 ? "subtree" : "self",
});

const tenant = (random: Random, roles: readonly string[]): Tenant => {
  const nodes = tenantTree(random);
  const principals = Array.from({ length: principals_per_tenant }, () => ({
    id: uuid(random) as PrincipalId,
    assignments: Array.from({ length: 1 + Math.floor(random() * assignments_max) }, () =>
      assignment(random, nodes, roles),
    ),
  }));
  return { nodes, principals };
};

/** Half of the questions stay near an assignment of the principal's, as real ones do; the others are anything at all. */
const question = (
  random: Random,
  tenants: readonly Tenant[],
  roles: Fixture["roles"],
  permissions: readonly string[],
): Asked => {
  const at = Math.floor(random() * tenants.length);
  const { nodes, principals } = tenants[at] ?? { nodes: [], principals: [] };
  const principal = pick(random, principals);
  if (random() < 0.5)
    return { tenant: at, principal: principal.id, node: pick(random, nodes).id, permission: pick(random, permissions) };
  const held = pick(random, principal.assignments);
  return {
    tenant: at,
    principal: principal.id,
    node: pick(random, reached({ nodes }, held)),
    permission: pick(random, roles.get(held.role) ?? permissions),
  };
};

export const buildFixture = (): Fixture => {
  const model = loadModel();
  const random = seeded(20261122);
  const roles = new Map([...model.roles].map(([name, role]) => [name, permissionsIn(model, role.permissions)]));
  const permissions = [...model.vocabulary.values()].filter(({ host }) => !host).map(({ name }) => name);
  // A role that permits nothing by itself (only within grants) would be the same as no role at all.
  const assignable = [...roles].filter(([, held]) => held.length > 0).map(([name]) => name);
  const tenants = Array.from({ length: tenants_count }, () => tenant(random, assignable));
  const questions = Array.from({ length: questions_count }, () => question(random, tenants, roles, permissions));
  return { model, roles, tenants, questions };
};

const loadModel = (): Model => {
  const path = new URL("../../models/default.yaml", import.meta.url).pathname;
  const read = readModel(readFileSync(path, "utf8"), path);
  if ("errors" in read) throw new Error(`${path} is not a model: ${JSON.stringify(read.errors)}`);
  return read.model;
};
