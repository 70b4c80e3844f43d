/** Where two models differ in who must stand behind a permission's use. Asking for less widens, asking for more narrows. */
import { type Acr, satisfies } from "../acr.ts";
import { type Change, type Concern, type Effect, keysOf } from "./change.ts";
import type { ApprovalRule, Governance, Model } from "./model.ts";
import { contains, expand, type Reach } from "./permissions.ts";

export const governanceChanges = (before: Model, after: Model): readonly Change[] =>
  keysOf(before.governance, after.governance).flatMap((permission) => {
    // What is not there to be done needs nobody's consent; its coming and going is told with the roles.
    if (!before.vocabulary.has(permission) || !after.vocabulary.has(permission)) return [];
    const found = steps(before.governance.get(permission), after.governance.get(permission));
    if (found.length === 0) return [];
    const concern = whoHas(after, permission);
    return found.map(({ effect, field, what }) => ({
      effect,
      path: `governance.${permission}${field}`,
      what,
      permissions: [permission],
      concern,
    }));
  });

type Step = { readonly effect: Effect; readonly field: string; readonly what: string };

const steps = (before: Governance | undefined, after: Governance | undefined): readonly Step[] => [
  ...humanSteps(before?.class === "human", after?.class === "human"),
  ...acrSteps(before?.acr, after?.acr),
  ...approvalSteps(before?.approvals, after?.approvals),
];

const humanSteps = (before: boolean, after: boolean): readonly Step[] => {
  if (before === after) return [];
  return after
    ? [{ effect: "narrows", field: ".class", what: "needs a human now" }]
    : [{ effect: "widens", field: ".class", what: "needs no human any more" }];
};

const acrSteps = (before: Acr | undefined, after: Acr | undefined): readonly Step[] => {
  const field = ".acr";
  if (before === after) return [];
  if (after === undefined) return [{ effect: "widens", field, what: `needs no sign-in of \`${before}\` any more` }];
  if (before === undefined) return [{ effect: "narrows", field, what: `needs a sign-in of \`${after}\` now` }];
  const effect = satisfies(after, before) ? "narrows" : "widens";
  return [{ effect, field, what: `needs a sign-in of \`${after}\` instead of \`${before}\`` }];
};

const approvalSteps = (before: ApprovalRule | undefined, after: ApprovalRule | undefined): readonly Step[] => {
  const field = ".approvals";
  if (before === undefined)
    return after === undefined ? [] : [{ effect: "narrows", field, what: `needs ${count(after.required)} now` }];
  if (after === undefined) return [{ effect: "widens", field, what: "needs no approval any more" }];
  const step = (more: boolean, name: string, what: string): Step => ({
    effect: more ? "widens" : "narrows",
    field: `${field}.${name}`,
    what,
  });
  return [
    ...(before.required === after.required
      ? []
      : [
          step(
            after.required < before.required,
            "required",
            `needs ${count(after.required)} instead of ${before.required}`,
          ),
        ]),
    ...(before.initiatorMayApprove === after.initiatorMayApprove
      ? []
      : [
          step(
            after.initiatorMayApprove,
            "initiator_may_approve",
            after.initiatorMayApprove ? "may be approved by whoever asked" : "can't be approved by whoever asked",
          ),
        ]),
    ...(before.expiresInSeconds === after.expiresInSeconds
      ? []
      : [
          step(
            after.expiresInSeconds > before.expiresInSeconds,
            "expires_in",
            `waits ${after.expiresInSeconds} s instead of ${before.expiresInSeconds} s`,
          ),
        ]),
  ];
};

const count = (required: number): string => (required === 1 ? "one approval" : `${required} approvals`);

/** Everything that gives the permission, by the names it is stored under. */
const whoHas = (model: Model, name: string): Concern => {
  const permission = model.vocabulary.get(name);
  if (permission === undefined) return {};
  const inRole = [...model.roles.values()].filter(
    ({ permissions, withinGrants }) => contains(permissions, permission) || contains(withinGrants, permission),
  );
  const inHostRole = [...model.hostRoles.values()].filter(({ permissions }) => contains(permissions, permission));
  const levels = [...model.resources.values()].flatMap(({ type, levels: all }) =>
    [...all.values()]
      .filter((level) => contains(level.permissions, permission))
      .map((level) => `${type}/${level.name}`),
  );
  const patterns = ["*", `${permission.resource}:*`, name];
  const reaching = (reach: Reach): readonly string[] =>
    patterns.filter((pattern) => contains(expand(model, [pattern], reach).set, permission));
  return {
    roles: inRole.map((role) => role.name),
    hostRoles: inHostRole.map((role) => role.name),
    levels,
    patterns: reaching("tenant"),
    hostPatterns: reaching("host"),
  };
};
