/**
 * A random company on a tree, with groups, roles and grants, written down in names: what decision engines that know nothing of each other
 * are asked the same questions about.
 */

/** Actions of each type. `*` in a role stands for all of them. */
export const permissions = [
  "clients:read",
  "documents:read",
  "documents:share",
  "documents:update",
  "payouts:create",
  "payouts:read",
] as const;
export type Permission = (typeof permissions)[number];

export type Role = { readonly permissions: readonly Permission[]; readonly withinGrants: readonly Permission[] };

export const roles: Readonly<Record<string, Role>> = {
  owner: { permissions, withinGrants: [] },
  manager: { permissions: ["clients:read", "payouts:read", "documents:share"], withinGrants: ["documents:update"] },
  member: { permissions: ["payouts:read"], withinGrants: ["documents:read", "documents:update"] },
  reader: { permissions: [], withinGrants: ["documents:read"] },
  payer: { permissions: ["payouts:create", "payouts:read"], withinGrants: [] },
};

export type Level = { readonly permissions: readonly Permission[]; readonly sufficient: boolean };

export const levels: Readonly<Record<string, Level>> = {
  viewer: { permissions: ["documents:read"], sufficient: false },
  editor: { permissions: ["documents:read", "documents:update"], sufficient: false },
  guest: { permissions: ["documents:read"], sufficient: true },
};

/** The same as a model of ours. */
export const modelText = `
perimeters:
  company: { collection: companies }
  client: { collection: clients, in: [company] }
  account: { collection: accounts, in: [client] }
resources:
  documents:
    in: [company, client, account, documents]
    actions: [read, share, update]
    levels: { viewer: [read], editor: [read, update], guest: [read] }
    sufficient: [guest]
  payouts: { in: [account], actions: [create, read] }
roles:
${Object.entries(roles)
  .map(
    ([name, role]) =>
      `  ${name}: { permissions: ${JSON.stringify(role.permissions)}, within_grants: ${JSON.stringify(role.withinGrants)} }`,
  )
  .join("\n")}
`;

export type Node = {
  readonly id: string;
  readonly type: "company" | "client" | "account" | "documents";
  readonly parent: string | undefined;
};
/** A user's or a group's id. */
export type Beneficiary = string;
export type Assignment = {
  readonly id: string;
  readonly to: Beneficiary;
  readonly role: string;
  readonly at: string;
  readonly propagation: "subtree" | "self";
};
export type Grant = { readonly id: string; readonly to: Beneficiary; readonly level: string; readonly on: string };

export type Fixture = {
  readonly nodes: readonly Node[];
  readonly users: readonly string[];
  /** Groups with their direct members, users and other groups; no group is in itself. */
  readonly groups: readonly { readonly id: string; readonly members: readonly Beneficiary[] }[];
  readonly assignments: readonly Assignment[];
  readonly grants: readonly Grant[];
};

export type AskedOf = { readonly user: string; readonly node: string; readonly permission: Permission };

/** An engine, loaded with a fixture. */
export type Decider = {
  readonly allows: (questions: readonly AskedOf[]) => Promise<readonly boolean[]>;
  readonly close?: () => void;
};

export const isGroup = (beneficiary: Beneficiary): boolean => beneficiary.startsWith("group");

/** Mulberry32: the same seed, the same company, on every machine. */
const randomOf = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

const clientCount = 3;
const accountCount = 4;
const documentCount = 16;
const userCount = 7;
const groupCount = 5;
const assignmentCount = 9;
const grantCount = 10;

export const fixtureOf = (seed: number): Fixture => {
  const random = randomOf(seed);
  const below = (end: number): number => Math.floor(random() * end);
  const one = <T>(all: readonly T[]): T => {
    const found = all[below(all.length)];
    if (found === undefined) throw new Error("nothing to choose from");
    return found;
  };
  const many = (count: number, name: string): readonly string[] =>
    Array.from({ length: count }, (_, at) => `${name}${at}`);

  const nodes: Node[] = [{ id: "company", type: "company", parent: undefined }];
  const clients = many(clientCount, "client");
  for (const id of clients) nodes.push({ id, type: "client", parent: "company" });
  for (const id of many(accountCount, "account")) nodes.push({ id, type: "account", parent: one(clients) });
  for (const id of many(documentCount, "document")) nodes.push({ id, type: "documents", parent: one(nodes).id });

  const users = many(userCount, "user");
  const groups = many(groupCount, "group").map((id, at) => ({
    id,
    // A group holds groups that were made before it, so that none comes to hold itself.
    members: [...new Set([one(users), one(users), ...(at > 0 && random() < 0.7 ? [`group${below(at)}`] : [])])],
  }));
  const beneficiaries = [...users, ...groups.map(({ id }) => id)];
  const perimeters = nodes.filter(({ type }) => type !== "documents");
  const documents = nodes.filter(({ type }) => type === "documents");
  return {
    nodes,
    users,
    groups,
    assignments: many(assignmentCount, "assignment").map((id) => ({
      id,
      to: one(beneficiaries),
      role: one(Object.keys(roles)),
      at: one(random() < 0.9 ? perimeters : documents).id,
      propagation: random() < 0.75 ? "subtree" : "self",
    })),
    grants: many(grantCount, "grant").map((id) => ({
      id,
      to: one(beneficiaries),
      level: one(Object.keys(levels)),
      on: one(documents).id,
    })),
  };
};

/** Every question there is about it. */
export const questionsOf = ({ users, nodes }: Fixture): readonly AskedOf[] =>
  users.flatMap((user) =>
    nodes.flatMap(({ id: node }) => permissions.map((permission) => ({ user, node, permission }))),
  );
