/**
 * What a well-shaped file of assertions can still have wrong: names that neither its model nor its own world has. Every finding is reported,
 * with what was probably meant.
 */
import { compileCondition } from "../../conditions/condition.ts";
import { isFault } from "../../faults.ts";
import { principalKindOf } from "../../ids.ts";
import type { Path, Report } from "../document.ts";
import { hostPlace, type Model } from "../model.ts";
import { didYouMean } from "../nearest.ts";
import { expand } from "../permissions.ts";
import { obligationFault, rules } from "./claims.ts";
import type { Assertion, AssertionsDocument, Claim, Given, NodeDocument } from "./document.ts";
import { partsOf, typeOf, wayUp } from "./places.ts";

export const checkReferences = (model: Model, document: AssertionsDocument, report: Report): void => {
  const found: Finding = { model, document, report };
  for (const [ref, node] of document.world) checkNode(found, ref, node);
  checkNames(found);
  for (const [ref, { path, members }] of document.principals) {
    checkPrincipal(found, ref, path, true);
    if (members.length > 0 && partsOf(ref)[0] !== groups) report([...path, "members"], "only a group has members");
    members.forEach((member, at) => checkPrincipal(found, member, [...path, "members", at], true));
  }
  for (const { path, permissions, withinGrants } of document.roles.values()) {
    permissions.forEach((one, at) => checkPattern(found, one, [...path, "permissions", at], false));
    withinGrants.forEach((one, at) => checkPattern(found, one, [...path, "within_grants", at], false));
  }
  for (const given of document.given) checkGiven(found, given);
  checkTestNames(found);
  for (const test of document.tests) checkTest(found, test);
};

type Finding = { readonly model: Model; readonly document: AssertionsDocument; readonly report: Report };

const groups = "groups";

// The world

const refPattern = /^[a-z][a-z0-9_-]*\/[a-z0-9][a-z0-9._-]*$/;

const checkNode = (found: Finding, ref: string, { path, in: parent, owner }: NodeDocument): void => {
  const { model, document, report } = found;
  if (!refPattern.test(ref)) return report(path, `\`${ref}\` is no ref; write it as \`collection/name\``);
  const type = typeOf(model, ref);
  if (type === undefined)
    return report(path, `there is no collection \`${partsOf(ref)[0]}\`${meant(partsOf(ref)[0], collectionsOf(model))}`);
  if (owner !== undefined) checkPrincipal(found, owner, [...path, "owner"], false);
  const perimeter = model.perimeters.get(type);
  const places = perimeter?.in ?? model.resources.get(type)?.in ?? [];
  if (parent === undefined) {
    if (perimeter?.root !== true)
      report(path, `\`${ref}\` must be in something; a \`${type}\` can be in ${quoted(places)}`);
    return;
  }
  if (!checkIsThere(found, parent, [...path, "in"])) return;
  const above = typeOf(model, parent);
  if (above !== undefined && !places.includes(above))
    report([...path, "in"], `a \`${type}\` can't be in a \`${above}\`; it can be in ${quoted(places)}`);
  const top = wayUp(document.world, ref).at(-1);
  if (top !== undefined && document.world.get(top)?.in === ref) report([...path, "in"], "leads round in a circle");
};

const collectionsOf = (model: Model): readonly string[] => [...model.collections.keys(), ...model.resources.keys()];

/** A name is a node's id, and an id is one node's. */
const checkNames = ({ document, report }: Finding): void => {
  const owners = new Map<string, string>();
  for (const [ref, { path }] of document.world) {
    const [, name] = partsOf(ref);
    const first = owners.get(name);
    if (first === undefined) owners.set(name, ref);
    else report(path, `\`${name}\` is already the name of \`${first}\``);
  }
};

const checkIsThere = ({ document, report }: Finding, ref: string, path: Path): boolean => {
  if (document.world.has(ref)) return true;
  report(path, `there is no \`${ref}\` in the world${meant(ref, document.world.keys())}`);
  return false;
};

const checkTarget = (found: Finding, ref: string, path: Path): void => {
  if (ref !== "" && ref !== hostPlace) checkIsThere(found, ref, path);
};

/** Principals need not be listed anywhere: whoever is named is there. */
const checkPrincipal = ({ report }: Finding, ref: string, path: Path, groupsToo: boolean): void => {
  const [collection, name] = partsOf(ref);
  if (name !== "" && (principalKindOf(collection) !== undefined || (groupsToo && collection === groups))) return;
  report(
    path,
    `\`${ref}\` is no principal; write it as \`users/name\`, \`service-accounts/name\`${groupsToo ? " or `groups/name`" : ""}`,
  );
};

// What is given

const checkGiven = (found: Finding, given: Given): void => {
  const { model, report } = found;
  const { path, principal, condition } = given;
  checkPrincipal(found, principal, [...path, "principal"], true);
  if (condition !== undefined) {
    const compiled = compileCondition(condition);
    if (isFault(compiled)) report([...path, "condition"], compiled.detail);
  }
  if (given.kind === "role") return checkRole(found, given.role, given.at, path);
  if (!checkIsThere(found, given.on, [...path, "on"])) return;
  const type = typeOf(model, given.on) ?? "";
  const levels = [...(model.resources.get(type)?.levels.keys() ?? [])];
  if (!levels.includes(given.level))
    report([...path, "grant"], `\`${type}\` has no level \`${given.level}\`${meant(given.level, levels)}`);
};

const checkRole = (found: Finding, role: string, at: string, path: Path): void => {
  const { model, document, report } = found;
  if (at !== hostPlace && checkIsThere(found, at, [...path, "at"]) && !model.collections.has(partsOf(at)[0]))
    report([...path, "at"], `\`${at}\` is no perimeter; on a resource one is given a level: \`grant\`, \`on\``);
  const own = [...document.roles.keys()].map((name) => `roles/${name}`);
  const roles = [...(at === hostPlace ? model.hostRoles : model.roles).keys(), ...own];
  if (!roles.includes(role))
    report(
      [...path, "role"],
      `there is no ${at === hostPlace ? "host role" : "role"} \`${role}\`${meant(role, roles)}`,
    );
};

// What is asserted

const checkTestNames = ({ document, report }: Finding): void => {
  const seen = new Set<string>();
  for (const { name, path } of document.tests) {
    if (seen.has(name)) report([...path, "name"], `\`${name}\` is there twice`);
    seen.add(name);
  }
};

const checkTest = (found: Finding, { path, principal, given, asking, claims }: Assertion): void => {
  checkPrincipal(found, principal, [...path, "principal"], false);
  for (const one of given) checkGiven(found, one);
  asking.scopes?.forEach((scope, at) => checkPattern(found, scope, [...path, "scopes", at], true));
  for (const claim of claims) checkClaim(found, claim);
};

const checkClaim = (found: Finding, claim: Claim): void => {
  const { report } = found;
  const { path } = claim;
  if (claim.kind === "list") {
    checkPermission(found, claim.permission, path);
    claim.nodes.forEach((node, at) => checkIsThere(found, node, [...path, at]));
    return;
  }
  checkTarget(found, claim.target, path);
  claim.permissions.forEach((one, at) =>
    checkPattern(found, one, claim.kind === "exactly" ? [...path, at] : path, true),
  );
  if (claim.kind === "who") claim.principals.forEach((one, at) => checkPrincipal(found, one, [...path, at], false));
  if (claim.kind === "because" && !rules.includes(claim.rule))
    report(path, `there is no rule \`${claim.rule}\`${meant(claim.rule, rules)}`);
  if (claim.kind === "obliges")
    claim.obligations.forEach((one, at) => {
      const wrong = obligationFault(one);
      if (wrong !== undefined) report([...path, at], wrong);
    });
};

const checkPattern = ({ model, report }: Finding, pattern: string, path: Path, hostToo: boolean): void => {
  if (expand(model, [pattern], hostToo ? "host" : "tenant").unknown.length > 0)
    report(path, `there is no permission \`${pattern}\`${meant(pattern, model.permissions)}`);
};

const checkPermission = ({ model, report }: Finding, name: string, path: Path): void => {
  if (!model.vocabulary.has(name)) report(path, `there is no permission \`${name}\`${meant(name, model.permissions)}`);
};

const meant = didYouMean;
const quoted = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(", ");
