// Who may do what, for review: every operation against every role, for each model that ships. Each cell is an answer of decide(), asked
// as a person who holds that one role at the root of a tenant, or that host role at the host.
import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { decide } from "../../core/decide/decide.ts";
import type { AssignmentFact, Facts, PathNode } from "../../core/decide/types.ts";
import { hostTenant, type NodeId, type PrincipalId, rootNode } from "../../core/ids.ts";
import type { Model, Role } from "../../core/model/model.ts";
import { formatModelError, readModel } from "../../core/model/read-model.ts";
import type { Operation } from "../../server/operations/operation.ts";
import { allOperations } from "../../server/route-table.ts";

export const path = "api/route-role-matrix.md";

export const generate = async (): Promise<string> => {
  const files = globSync("models/*.yaml", { exclude: ["models/*.test.yaml"] }).toSorted(
    (a, b) => Number(b.includes("default")) - Number(a.includes("default")) || (a < b ? -1 : 1),
  );
  return `<!-- Generated from the route table and models/ by \`npm run generate\`. -->
# Who may do what

Every operation against every built-in role and every role of the host, for each model in \`models/\`. The role is held at the root of
a tenant and reaches all of it; an operation on one perimeter is decided there, one on a tenant as a whole at the host.

**yes** · **grants**: only where a resource grant gives it too · **n approvals**: yes, after so many other humans have agreed · **–**: no.

${files.map(section).join("\n")}`;
};

const section = (file: string): string => {
  const model = modelIn(file);
  const roles = columnsOf(model);
  const operations = allOperations(model).flatMap((operation) => rowsOf(model, operation));
  const own = model.permissions.filter((permission) =>
    model.resources.has(model.vocabulary.get(permission)?.resource ?? ""),
  );
  return `## ${basename(file)}: ${model.title}

### Operations

${table(
  ["route", "permission"],
  roles,
  operations.map(({ route, permission, where }) => ({
    head: [`\`${route}\`${where === "host" ? " (at the host)" : ""}`, `\`${permission}\``],
    cells: roles.map((column) => answer(model, permission, column, where)),
  })),
)}

### The platform's own permissions

${table(
  ["permission"],
  roles,
  own.map((permission) => ({
    head: [`\`${permission}\`${governanceOf(model, permission)}`],
    cells: roles.map((column) => answer(model, permission, column, "tenant")),
  })),
)}
`;
};

const modelIn = (file: string): Model => {
  const read = readModel(readFileSync(file, "utf8"), file);
  if ("errors" in read) throw new Error(read.errors.map(formatModelError).join("\n"));
  return read.model;
};

// ── rows and columns ──

type Where = "tenant" | "host";
type Row = { readonly route: string; readonly permission: string; readonly where: Where };

/** What is decided above a perimeter is decided at the host where the perimeter is a tenant (server/perimeters/find.ts). */
const above = new Set(["create", "suspend", "resume"]);

/** One row, or two for a type that may be a tenant and may stand below another. */
const rowsOf = (model: Model, { name, method, path: url, permission }: Operation): readonly Row[] => {
  const [collection = "", verb = ""] = name.split(".");
  const perimeter = model.collections.get(collection);
  const row = (where: Where): Row => ({ route: `${method} ${url}`, permission, where });
  if (perimeter?.root !== true || !above.has(verb)) return [row("tenant")];
  return perimeter.in.length === 0 ? [row("host")] : [row("host"), row("tenant")];
};

type Column = { readonly role: Role; readonly anchor: "host" | "root" };

const columnsOf = (model: Model): readonly Column[] => [
  ...[...model.roles.values()].map((role): Column => ({ role, anchor: "root" })),
  ...[...model.hostRoles.values()].map((role): Column => ({ role, anchor: "host" })),
];

type Line = { readonly head: readonly string[]; readonly cells: readonly string[] };

const table = (heads: readonly string[], columns: readonly Column[], lines: readonly Line[]): string =>
  [
    `| ${[...heads, ...columns.map(({ role, anchor }) => (anchor === "host" ? `*${role.name}*` : role.name))].join(" | ")} |`,
    `|${[...heads.map(() => "---"), ...columns.map(() => ":-:")].join("|")}|`,
    ...lines.map(({ head, cells }) => `| ${[...head, ...cells].join(" | ")} |`),
  ].join("\n");

const governanceOf = (model: Model, permission: string): string =>
  model.governance.get(permission)?.class === "human" ? " (needs a human)" : "";

// ── cells ──

const root = rootNode("11111111-1111-4111-8111-111111111111" as typeof hostTenant);
const person = "22222222-2222-4222-8222-222222222222" as PrincipalId;
const at = 0;

const answer = (model: Model, permission: string, { role, anchor }: Column, where: Where): string => {
  const assignment: AssignmentFact = {
    id: "assignment",
    role: role.name,
    anchor: anchor === "host" ? "host" : root,
    propagation: "subtree",
    permissions: role.permissions,
    withinGrants: role.withinGrants,
    expiresAt: null,
  };
  const facts: Facts = {
    principal: { id: person, kind: "human", state: "active" },
    path: where === "host" ? [] : [node(root)],
    assignments: [assignment],
    grants: [],
  };
  const { effect, because, obligations } = decide(model, { permission, at }, facts);
  if (effect === "permit") return "yes";
  if (effect === "conditional")
    return obligations
      .map((needed) => (needed.kind === "approval" ? `${needed.rule.required} approvals` : needed.kind))
      .join(", ");
  return because.rule === "needs_grant" ? "grants" : "–";
};

const node = (id: NodeId): PathNode => ({ node: id, type: "root", state: "active" });
