/**
 * Every model that ships, and what is claimed of it beside it: the claims hold, and they are complete. Complete is shown by changing the
 * model: let any role have any one permission more or less, or any level any one action, and a claim no longer holds.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { uncovered } from "../core/model/assertions/coverage.ts";
import { type Assertions, readAssertions } from "../core/model/assertions/read-assertions.ts";
import { runAssertions } from "../core/model/assertions/run.ts";
import type { Level, Model, Permission, PermissionSet, Role } from "../core/model/model.ts";
import { contains } from "../core/model/permissions.ts";
import { formatModelError, readModel } from "../core/model/read-model.ts";
import { formatTextError } from "../core/model/yaml-text.ts";

const folder = new URL("./", import.meta.url);
const names = readdirSync(folder)
  .filter((file) => file.endsWith(".yaml") && !file.endsWith(".test.yaml"))
  .map((file) => file.replace(/\.yaml$/, ""));

const textOf = (file: string): string => readFileSync(new URL(file, folder), "utf8");

const modelOf = (name: string): Model => {
  const read = readModel(textOf(`${name}.yaml`), `${name}.yaml`);
  assert.ok("model" in read, "errors" in read ? read.errors.map(formatModelError).join("\n") : "");
  return read.model;
};

const assertionsOf = (name: string): Assertions => {
  const file = `${name}.test.yaml`;
  const read = readAssertions(textOf(file), file, () => ({ model: modelOf(name) }));
  assert.ok("document" in read, "errors" in read ? read.errors.map(formatTextError).join("\n") : "");
  return read;
};

const holds = (model: Model, { document }: Assertions, about: (given: string) => boolean): boolean => {
  // What does not mention it can't tell it from another; leaving it out only saves time.
  const tests = document.tests.filter(({ given }) =>
    given.some((one) => about(one.kind === "role" ? one.role : one.level)),
  );
  return runAssertions(model, { ...document, tests }).every(({ failures }) => failures.length === 0);
};

const flipped = (set: PermissionSet, { word, mask }: Permission): PermissionSet =>
  Array.from({ length: Math.max(set.length, word + 1) }, (_, at) => (set[at] ?? 0) ^ (at === word ? mask : 0));

/** What is so of the model and no claim would notice if it were not. */
const unnoticed = (name: string): readonly string[] => {
  const assertions = assertionsOf(name);
  const { model } = assertions;
  const permissions = [...model.vocabulary.values()];
  return [
    ...[...model.roles.values()].flatMap((role) => {
      const as = (changed: Role): Model => ({ ...model, roles: new Map(model.roles).set(role.name, changed) });
      const unheard = (changed: Role): boolean => holds(as(changed), assertions, (given) => given === role.name);
      return [
        // No role of a tenant reaches what belongs to the host, whatever it lists.
        ...permissions
          .filter(({ host }) => !host)
          .filter((one) => unheard({ ...role, permissions: flipped(role.permissions, one) }))
          .map((one) => `${role.name} ${one.name}`),
        ...permissions
          .filter((one) => contains(role.withinGrants, one) && !contains(role.permissions, one))
          .filter((one) => unheard({ ...role, withinGrants: flipped(role.withinGrants, one) }))
          .map((one) => `${role.name} within grants ${one.name}`),
      ];
    }),
    ...[...model.hostRoles.values()].flatMap((role) =>
      permissions
        .filter((one) => {
          const changed = { ...role, permissions: flipped(role.permissions, one) };
          const hostRoles = new Map(model.hostRoles).set(role.name, changed);
          return holds({ ...model, hostRoles }, assertions, (given) => given === role.name);
        })
        .map((one) => `${role.name} at the host ${one.name}`),
    ),
    ...[...model.resources.values()].flatMap((resource) =>
      [...resource.levels.values()].flatMap((level) => {
        const as = (changed: Level): Model => ({
          ...model,
          resources: new Map(model.resources).set(resource.type, {
            ...resource,
            levels: new Map(resource.levels).set(level.name, changed),
          }),
        });
        const unheard = (changed: Level): boolean => holds(as(changed), assertions, (given) => given === level.name);
        return [
          ...permissions
            .filter((one) => one.resource === resource.type)
            .filter((one) => unheard({ ...level, permissions: flipped(level.permissions, one) }))
            .map((one) => `${resource.type}/${level.name} ${one.name}`),
          ...(unheard({ ...level, sufficient: !level.sufficient })
            ? [`${resource.type}/${level.name} sufficient`]
            : []),
        ];
      }),
    ),
  ];
};

describe("what is claimed of the models that ship", () => {
  for (const name of names) {
    test(`${name}: every claim holds`, () => {
      const { document, model, lineOf } = assertionsOf(name);
      const failed = runAssertions(model, document).flatMap(({ test: { name: of }, failures }) =>
        failures.map(({ path, what }) => `${name}.test.yaml:${lineOf(path)}: ${of}: ${what}`),
      );
      assert.deepEqual(failed, []);
    });

    test(`${name}: every role, level and governed permission is decided in full`, () => {
      const { document, model } = assertionsOf(name);
      assert.deepEqual(uncovered(model, document), { roles: [], levels: [], governed: [] });
    });

    test(`${name}: a role with one permission more or less, or a level with one action more or less, is noticed`, () => {
      assert.deepEqual(unnoticed(name), []);
    });
  }
});
