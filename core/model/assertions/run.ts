/** Decides what a file of assertions claims, and says of each claim that does not hold what is so instead. */
import { decide } from "../../decide/decide.ts";
import { explain } from "../../decide/explain.ts";
import type { Decision, Facts, Question } from "../../decide/types.ts";
import { principalKindOf } from "../../ids.ts";
import { quotedNames, without } from "../change.ts";
import type { Path } from "../document.ts";
import type { Model } from "../model.ts";
import { expand, permissionsIn } from "../permissions.ts";
import { obligationText, saysObligation } from "./claims.ts";
import type { Assertion, AssertionsDocument, Claim, Deed } from "./document.ts";
import { partsOf, typeOf } from "./places.ts";
import { factsIn } from "./world.ts";

/** What is not as it was claimed: where the claim stands, and a sentence. */
export type Failure = { readonly path: Path; readonly what: string };

export type Result = { readonly test: Assertion; readonly failures: readonly Failure[] };

export const runAssertions = (model: Model, document: AssertionsDocument): readonly Result[] =>
  document.tests.map((test) => ({
    test,
    failures: failuresIn({ model, document, test, facts: new Map() }),
  }));

type Running = {
  readonly model: Model;
  readonly document: AssertionsDocument;
  readonly test: Assertion;
  /** Gathered once for everybody and everything a test asks about, as one file asks the same hundreds of times. */
  readonly facts: Map<string, Facts>;
};

const failuresIn = (running: Running): readonly Failure[] =>
  running.test.claims.flatMap((claim) => failuresOf(running, claim).map((what) => ({ path: claim.path, what })));

const factsOf = ({ model, document, test, facts }: Running, principal: string, target: string): Facts => {
  const name = `${principal} ${target}`;
  const known = facts.get(name) ?? factsIn(model, document, test.given, principal, target);
  facts.set(name, known);
  return known;
};

const failuresOf = (running: Running, claim: Claim): readonly string[] => {
  switch (claim.kind) {
    case "allow":
    case "deny":
      return each(running, claim, (decision) =>
        decision.effect === (claim.kind === "allow" ? "permit" : "deny") ? undefined : story(decision),
      );
    case "obliges":
      return each(running, claim, (decision) => obliged(decision, claim.obligations));
    case "because":
      return each(running, claim, ({ because: { rule } }) =>
        rule === claim.rule ? undefined : `is decided by \`${rule}\`, and not by \`${claim.rule}\``,
      );
    case "exactly":
      return exactly(running, claim.target, claim.permissions);
    case "list":
      return listed(running, claim.permission, claim.nodes);
    case "who":
      return claim.permissions.flatMap((permission) => who(running, permission, claim.target, claim.principals));
    default:
      return claim satisfies never;
  }
};

const ask = (running: Running, permission: string, target: string, principal = running.test.principal): Decision => {
  const { model, test } = running;
  const { at, scopes, acr, humanPresent, context, properties } = test.asking;
  const question: Question = {
    permission,
    at,
    ...(scopes === undefined ? {} : { scopes: expand(model, scopes, "host").set }),
    ...(acr === undefined ? {} : { acr }),
    ...(humanPresent ? {} : { humanPresent }),
    ...(context === undefined ? {} : { context }),
    properties: {
      ...(properties.subject === undefined ? {} : { subject: properties.subject }),
      ...(properties.resource === undefined ? {} : { resource: properties.resource }),
    },
  };
  return decide(model, question, factsOf(running, principal, target));
};

/** `*` stands for what tenants can have; what belongs to the host is named. */
const permissionsOf = (model: Model, patterns: readonly string[]): readonly string[] => [
  ...new Set(
    patterns.flatMap((one) => permissionsIn(model, expand(model, [one], one === "*" ? "tenant" : "host").set)),
  ),
];

const each = (running: Running, { permissions, target }: Deed, wrong: (decision: Decision) => string | undefined) =>
  permissionsOf(running.model, permissions).flatMap((permission) => {
    const what = wrong(ask(running, permission, target));
    return what === undefined ? [] : [`\`${permission}\` on \`${target}\` ${what}`];
  });

const story = (decision: Decision): string => {
  const is = { permit: "is allowed", conditional: "is allowed only with more", deny: "is denied" }[decision.effect];
  return `${is}: ${explain(decision).join("; ")}`;
};

const obliged = (decision: Decision, texts: readonly string[]): string | undefined => {
  const { obligations } = decision;
  const asWritten =
    obligations.length === texts.length &&
    obligations.every((one) => texts.some((text) => saysObligation(text, one))) &&
    texts.every((text) => obligations.some((one) => saysObligation(text, one)));
  if (decision.effect === "conditional" && asWritten) return undefined;
  return decision.effect === "conditional"
    ? `needs ${obligations.map(obligationText).join(", ")}, and not ${texts.join(", ")}`
    : story(decision);
};

const exactly = (running: Running, target: string, patterns: readonly string[]): readonly string[] => {
  const { model } = running;
  const said = permissionsOf(model, patterns);
  const held = model.permissions.filter((permission) => ask(running, permission, target).effect !== "deny");
  const [more, less] = [without(held, said), without(said, held)];
  return [
    ...(more.length === 0 ? [] : [`on \`${target}\` ${quotedNames(more)} can be done as well`]),
    ...(less.length === 0 ? [] : [`on \`${target}\` ${quotedNames(less)} can't be done`]),
  ];
};

/** The nodes a permission can be asked about: its own type's; for what the server itself keeps, the perimeters it is kept at. */
const askable = ({ model, document }: Running, permission: string): readonly string[] => {
  const [resource = ""] = permission.split(":");
  const own = model.collections.has(resource) || model.resources.has(resource);
  return [...document.world.keys()].filter((ref) =>
    own ? partsOf(ref)[0] === resource : model.perimeters.has(typeOf(model, ref) ?? ""),
  );
};

const listed = (running: Running, permission: string, nodes: readonly string[]): readonly string[] => {
  const found = askable(running, permission).filter((ref) => ask(running, permission, ref).effect === "permit");
  return different(`\`${permission}\` is allowed on`, found, nodes);
};

const who = (running: Running, permission: string, target: string, said: readonly string[]): readonly string[] => {
  const found = principalsOf(running).filter(
    (principal) => ask(running, permission, target, principal).effect === "permit",
  );
  return different(`\`${permission}\` on \`${target}\` is allowed to`, found, said);
};

/** Everybody who is named anywhere, groups aside. */
const principalsOf = ({ document, test }: Running): readonly string[] => {
  const named = [
    ...document.principals.keys(),
    ...[...document.principals.values()].flatMap(({ members }) => members),
    ...[...document.given, ...test.given].map(({ principal }) => principal),
  ];
  return [...new Set(named)].filter((ref) => principalKindOf(partsOf(ref)[0]) !== undefined).toSorted();
};

const different = (before: string, found: readonly string[], said: readonly string[]): readonly string[] => {
  const [more, less] = [without(found, said), without(said, found)];
  return [
    ...(more.length === 0 ? [] : [`${before} ${quotedNames(more)} as well`]),
    ...(less.length === 0 ? [] : [`${before.replace(" is ", " is not ")} ${quotedNames(less)}`]),
  ];
};
