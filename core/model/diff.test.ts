import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { acrs } from "../acr.ts";
import { decide } from "../decide/decide.ts";
import type { Decision, Facts } from "../decide/types.ts";
import type { NodeId, PrincipalId } from "../ids.ts";
import type { Change } from "./change.ts";
import { diffModels } from "./diff.ts";
import type { Model, PermissionSet } from "./model.ts";
import { emptySet, expand } from "./permissions.ts";
import { formatModelError, readModel } from "./read-model.ts";
import { storedModel } from "./stored-model.ts";

const load = (document: object): Model => {
  const read = readModel(JSON.stringify(document), "test.json");
  assert.ok("model" in read, "errors" in read ? read.errors.map(formatModelError).join("\n") : "");
  return read.model;
};

// Random models over few names, so that two of them have much in common.

const subset = <T>(all: readonly T[], minLength = 0) => fc.subarray([...all], { minLength });
const actions = ["read", "write", "burn"] as const;

type Drawn = {
  readonly files: readonly string[];
  readonly safes: readonly string[] | undefined;
  readonly safesAtHost: boolean;
  readonly view: readonly string[] | undefined;
  readonly edit: readonly string[];
  readonly sufficient: boolean;
  readonly clerk: readonly string[] | undefined;
  readonly clerkWithin: readonly string[];
  readonly boss: readonly string[];
  readonly operator: readonly string[];
  readonly governance: { readonly class: string; readonly acr?: string } | undefined;
};

const governance = fc.record(
  {
    class: fc.constantFrom("human", "machine"),
    acr: fc.constantFrom(...acrs),
    approvals: fc.record({
      required: fc.integer({ min: 1, max: 3 }),
      initiator_may_approve: fc.boolean(),
      expires_in: fc.constantFrom("1h", "2h", "1d"),
    }),
  },
  { requiredKeys: ["class"] },
);

/** Only a human signs in. */
const soundly = ({ acr, ...governed }: { readonly class: string; readonly acr?: string }): object =>
  governed.class === "human" && acr !== undefined ? { ...governed, acr } : governed;

const drawn: fc.Arbitrary<Drawn> = fc.record({
  files: subset(actions, 1),
  safes: fc.option(subset(["open", "look"], 1), { nil: undefined }),
  safesAtHost: fc.boolean(),
  view: fc.option(subset(actions, 1), { nil: undefined }),
  edit: subset(actions, 1),
  sufficient: fc.boolean(),
  clerk: fc.option(subset(["files:read", "files:write", "files:*", "shops:*"]), { nil: undefined }),
  clerkWithin: subset(["files:read", "files:burn", "files:*"]),
  boss: subset(["*", "files:*", "safes:*", "shops:read"], 1),
  operator: subset(["*", "safes:*", "users:read"], 1),
  governance: fc.option(governance, { nil: undefined }),
});

/** A document from what was drawn, without what would be a mistake. */
const modelOf = (it: Drawn): Model => {
  const has = (pattern: string): boolean => {
    const [resource = "", action = ""] = pattern.split(":");
    if (resource === "safes") return it.safes !== undefined && !it.safesAtHost;
    return resource !== "files" || action === "*" || it.files.includes(action);
  };
  const inFiles = (given: readonly string[]) => given.filter((one) => it.files.includes(one));
  const [view, edit] = [inFiles(it.view ?? []), inFiles(it.edit)];
  const levels = { ...(view.length > 0 ? { view } : {}), ...(edit.length > 0 ? { edit } : {}) };
  const granted = new Set(Object.values(levels).flat());
  const within = it.clerkWithin.filter((one) =>
    one === "files:*" ? granted.size > 0 : granted.has(one.slice("files:".length)),
  );
  return load({
    perimeters: { shop: { collection: "shops" } },
    resources: {
      files: {
        in: ["shop", "files"],
        actions: it.files,
        levels,
        ...(it.sufficient && edit.length > 0 ? { sufficient: ["edit"] } : {}),
      },
      ...(it.safes === undefined ? {} : { safes: { in: [it.safesAtHost ? "host" : "shop"], actions: it.safes } }),
    },
    roles: {
      ...(it.clerk === undefined ? {} : { clerk: { permissions: it.clerk.filter(has), within_grants: within } }),
      boss: { permissions: it.boss.filter(has) },
    },
    host_roles: {
      super_admin: { permissions: it.operator.filter((one) => one !== "safes:*" || it.safes !== undefined) },
    },
    ...(it.governance !== undefined && it.files.includes("read")
      ? { governance: { "files:read": soundly(it.governance) } }
      : {}),
  });
};

const model = drawn.map(modelOf);
/** One random model, and another that differs from it in a few places. */
const pair = fc
  .tuple(
    drawn,
    drawn,
    fc.array(fc.constantFrom(...(Object.keys(fc.sample(drawn, 1)[0] ?? {}) as (keyof Drawn)[])), { maxLength: 4 }),
  )
  .map(([a, b, fields]) => ({
    before: modelOf(a),
    after: modelOf({ ...a, ...Object.fromEntries(fields.map((field) => [field, b[field]])) }),
  }));

// Brute force: everybody there could be, asked for everything there is, under both models.

type Holder = {
  readonly concerns: (change: Change) => boolean;
  readonly roleIn: (model: Model) => { readonly permissions: PermissionSet; readonly withinGrants: PermissionSet };
  readonly atHost: boolean;
  readonly level: string | undefined;
};

const nothing = { permissions: emptySet, withinGrants: emptySet };
const holders: readonly Holder[] = [
  ...["clerk", "boss", undefined].flatMap((role) =>
    ["view", "edit", undefined].map((level) => ({
      concerns: ({ concern }: Change) =>
        (role !== undefined && concern.roles?.includes(role) === true) ||
        (level !== undefined && concern.levels?.includes(`files/${level}`) === true),
      roleIn: (of: Model) => (role === undefined ? undefined : of.roles.get(role)) ?? nothing,
      atHost: false,
      level,
    })),
  ),
  {
    concerns: ({ concern }) => concern.hostRoles?.includes("super_admin") === true,
    roleIn: (of) => of.hostRoles.get("super_admin") ?? nothing,
    atHost: true,
    level: undefined,
  },
  ...["*", "files:*", "files:read", "files:burn", "safes:*", "safes:open", "shops:read"].flatMap((pattern) =>
    [true, false].map((atHost) => ({
      concerns: ({ concern }: Change) => (atHost ? concern.hostPatterns : concern.patterns)?.includes(pattern) === true,
      roleIn: (of: Model) => ({ ...nothing, permissions: expand(of, [pattern], atHost ? "host" : "tenant").set }),
      atHost,
      level: undefined,
    })),
  ),
];

const shop = "shop" as NodeId;
const ask = (of: Model, { roleIn, atHost, level }: Holder, permission: string, kind: "human" | "service"): Decision => {
  const given = level === undefined ? undefined : of.resources.get("files")?.levels.get(level);
  const facts: Facts = {
    principal: { id: "p" as PrincipalId, kind, state: "active" },
    path: [{ node: shop, type: "shop", state: "active" }],
    assignments: [
      {
        id: "a",
        role: "r",
        anchor: atHost ? "host" : shop,
        propagation: "subtree",
        expiresAt: null,
        ...(({ permissions, withinGrants }) => ({ permissions, withinGrants }))(roleIn(of)),
      },
    ],
    grants:
      given === undefined || level === undefined
        ? []
        : [
            {
              id: "g",
              resource: shop,
              level,
              permissions: given.permissions,
              sufficient: given.sufficient,
              expiresAt: null,
            },
          ],
  };
  return decide(of, { permission, at: 0 }, facts);
};

/** How hard it is to do, from 0 for a plain yes; what is asked for is compared part by part. */
const demands = (decision: Decision): readonly number[] => {
  if (decision.effect === "deny") return Array.from({ length: 5 }, () => Infinity);
  const [acr] = decision.obligations.flatMap((one) => (one.kind === "step_up" ? [one.acr] : []));
  const [approval] = decision.obligations.flatMap((one) => (one.kind === "approval" ? [one.rule] : []));
  return [
    decision.obligations.some(({ kind }) => kind === "human") ? 1 : 0,
    approval === undefined ? 0 : approval.required,
    approval === undefined ? 0 : approval.initiatorMayApprove ? 1 : 2,
    approval === undefined ? 0 : 1 / approval.expiresInSeconds,
    1 + acrs.findIndex((one) => one === acr),
  ];
};

const isEasier = (after: readonly number[], before: readonly number[]): boolean =>
  after.some((one, at) => one < (before[at] ?? 0));

const holds = (property: (before: Model, after: Model) => void) =>
  fc.assert(
    fc.property(pair, ({ before, after }) => property(before, after)),
    { numRuns: 400 },
  );

describe("the difference of two models", () => {
  test("a model does not differ from itself, nor from what was recorded of it", () => {
    fc.assert(
      fc.property(model, (one) => {
        assert.deepEqual(diffModels(one, one), []);
        const stored = storedModel(one.canonical);
        assert.equal(stored.canonical, one.canonical);
        assert.deepEqual(diffModels(stored, one), []);
      }),
    );
  });

  test("two that are written differently and say the same do not differ", () => {
    const written = (permissions: readonly string[]) =>
      load({
        perimeters: { shop: { collection: "shops" } },
        resources: { files: { in: ["shop"], actions: ["read", "write"] } },
        roles: { clerk: { permissions } },
      });
    assert.deepEqual(diffModels(written(["files:*"]), written(["files:write", "files:read"])), []);
  });

  test("every widening that brute force finds is reported, with the permission, and under what its holder has in store", () => {
    const seen = { widenings: 0 };
    holds((before, after) => {
      const widening = diffModels(before, after).filter(({ effect }) => effect === "widens");
      for (const holder of holders)
        for (const permission of after.permissions)
          for (const kind of ["human", "service"] as const) {
            const [was, is] = [ask(before, holder, permission, kind), ask(after, holder, permission, kind)];
            if (is.effect === "deny" || !isEasier(demands(is), demands(was))) continue;
            seen.widenings += 1;
            assert.ok(
              widening.some((change) => change.permissions.includes(permission) && holder.concerns(change)),
              `${permission}: ${was.effect} became ${is.effect}, and ${JSON.stringify(widening)} does not say so`,
            );
          }
    });
    assert.ok(seen.widenings > 500, `widenings must come up often enough to mean something: ${seen.widenings}`);
  });

  test("every loss that brute force finds is reported as narrowing or stranding", () => {
    const seen = { losses: 0 };
    holds((before, after) => {
      const less = diffModels(before, after).filter(({ effect }) => effect === "narrows" || effect === "strands");
      for (const holder of holders)
        for (const permission of before.permissions) {
          const [was, is] = [ask(before, holder, permission, "human"), ask(after, holder, permission, "human")];
          if (was.effect === "deny" || is.effect !== "deny") continue;
          seen.losses += 1;
          assert.ok(less.some(holder.concerns), `${permission}: ${was.effect} became ${is.effect}, unsaid`);
        }
    });
    assert.ok(seen.losses > 200, `losses must come up often enough to mean something: ${seen.losses}`);
  });

  test("what one direction calls a gain the other calls a loss: no difference is seen from one side only", () => {
    holds((before, after) => {
      const [there, back] = [diffModels(before, after), diffModels(after, before)];
      assert.equal(there.length === 0, back.length === 0);
      const gained = (changes: readonly Change[], effects: readonly string[]) =>
        new Set(
          changes
            .filter(({ effect, path }) => effects.includes(effect) && !path.startsWith("governance"))
            .flatMap(({ permissions }) => permissions),
        );
      assert.deepEqual(gained(there, ["widens"]), gained(back, ["narrows", "strands"]));
    });
  });
});

// One by one, in words.

const base = {
  perimeters: { company: { collection: "companies" }, shop: { collection: "shops", in: ["company"] } },
  resources: {
    files: { in: ["shop", "files"], actions: ["read", "write"], levels: { view: ["read"], edit: ["read", "write"] } },
    engines: { in: ["host"], actions: ["start"] },
  },
  roles: {
    clerk: { permissions: ["files:read"], within_grants: ["files:write"] },
    guard: { permissions: ["shops:read"] },
  },
  governance: { "files:write": { class: "human", approvals: { required: 2, expires_in: "1h" } } },
};

const said = (after: object): readonly string[] =>
  diffModels(load(base), load({ ...base, ...after })).map(({ effect, path, what }) => `${effect}: ${path} ${what}`);

describe("what a difference says", () => {
  test("a role that is gone, one that is new, and one that gives more and less", () => {
    assert.deepEqual(
      said({ roles: { clerk: { permissions: ["files:write", "shops:read"] }, cook: { permissions: ["shops:read"] } } }),
      [
        "widens: roles.clerk.permissions gains `files:write`, `shops:read`",
        "narrows: roles.clerk.permissions loses `files:read`",
        "widens: roles.cook is new",
        "strands: roles.guard is gone",
      ],
    );
  });

  test("a permission of the host that becomes the tenants' is in every `*` at once", () => {
    const resources = { ...base.resources, engines: { in: ["shop"], actions: ["start"] } };
    assert.deepEqual(said({ resources }), [
      "none: resources.engines belongs to the tenants now, and no longer to the host",
      "strands: resources.engines.in can't be in `host` any more",
      "none: resources.engines.in may be in `shop` too",
      "widens: patterns.* now also means `engines:start`",
      "widens: patterns.engines:* now also means `engines:start`",
      "widens: patterns.engines:start now also means `engines:start`",
    ]);
  });

  test("a level that gives more, one that is gone, and one that is enough alone", () => {
    const files = { ...base.resources.files, levels: { view: ["read", "write"] }, sufficient: ["view"] };
    assert.deepEqual(said({ resources: { ...base.resources, files } }), [
      "strands: resources.files.levels.edit is gone",
      "widens: resources.files.levels.view gains `files:write`",
      "widens: resources.files.levels.view is now enough without a role",
    ]);
  });

  test("governance that asks for less, and for more", () => {
    const approvals = { required: 1, initiator_may_approve: true, expires_in: "2h" };
    assert.deepEqual(said({ governance: { "files:write": { class: "machine", approvals } } }), [
      "widens: governance.files:write.class needs no human any more",
      "widens: governance.files:write.approvals.required needs one approval instead of 2",
      "widens: governance.files:write.approvals.initiator_may_approve may be approved by whoever asked",
      "widens: governance.files:write.approvals.expires_in waits 7200 s instead of 3600 s",
    ]);
    const [single, multi] = acrs;
    const governed = (acr: string | undefined) => ({
      ...base,
      governance: { "files:read": { class: "human", ...(acr === undefined ? {} : { acr }) } },
    });
    const from = (before: string | undefined, after: string | undefined) =>
      diffModels(load(governed(before)), load(governed(after))).map(({ effect, what }) => `${effect}: ${what}`);
    assert.deepEqual(from(multi, single), [`widens: needs a sign-in of \`${single}\` instead of \`${multi}\``]);
    assert.deepEqual(from(multi, undefined), [`widens: needs no sign-in of \`${multi}\` any more`]);
    assert.deepEqual(from(single, multi), [`narrows: needs a sign-in of \`${multi}\` instead of \`${single}\``]);
    assert.deepEqual(said({ governance: { ...base.governance, "files:read": { class: "human" } } }), [
      "narrows: governance.files:read.class needs a human now",
    ]);
  });

  test("a type that is gone, a collection with another name, and a place that is no longer one", () => {
    const perimeters = { company: { collection: "firms" }, shop: { collection: "shops", in: ["company"], root: true } };
    const lines = said({ perimeters });
    assert.ok(
      lines.includes("strands: perimeters.company.collection is `firms` instead of `companies`: its refs change"),
    );
    assert.ok(lines.includes("strands: patterns.companies:* matches nothing any more"));
    const { files } = base.resources;
    assert.ok(
      said({ resources: { files: { ...files, in: ["shop"] } } }).includes(
        "strands: resources.files.in can't be in `files` any more",
      ),
    );
    assert.ok(said({ resources: { files } }).includes("strands: resources.engines is gone"));
  });

  test("a title changes nobody's rights", () => {
    assert.deepEqual(said({ title: "Another" }), ["none: title says something else"]);
  });
});
