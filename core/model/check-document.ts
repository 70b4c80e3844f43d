/**
 * What a well-shaped document can still have wrong: names that refer to nothing, names that mean two things, trees that can't be built,
 * roles that give nothing. Every finding is reported; none stops the next.
 */
import type { ModelDocument, Path, Report } from "./document.ts";
import { hostPlace } from "./model.ts";
import { expand, intersection, isEmpty, type Reach, type Vocabulary } from "./permissions.ts";
import { isSystemResource } from "./system-permissions.ts";
import { vocabularyOf } from "./vocabulary.ts";

/** A role of 3,000 permissions is a hundred words: the set stays a cache line or two, and a check stays one comparison. */
const permissions_max = 3_000;

export const checkDocument = (document: ModelDocument, report: Report): void => {
  const words = vocabularyOf(document);
  checkPerimeterNames(document, report);
  checkPerimeterTree(document, report);
  checkResourceNames(document, report);
  checkResourcePlaces(document, report);
  checkLevels(document, report);
  checkRoles(document, words, report);
  checkGovernance(document, words, report);
  if (words.permissions.length > permissions_max) {
    report([], `has ${words.permissions.length} permissions; at most ${permissions_max} are supported`);
  }
};

// Perimeters

const checkPerimeterNames = ({ perimeters }: ModelDocument, report: Report): void => {
  const owner = new Map<string, string>();
  for (const [type, { collection }] of Object.entries(perimeters)) {
    if (type === hostPlace)
      report(["perimeters", type], "`host` is the place above all tenants, and can't be a perimeter type");
    const path = ["perimeters", type, "collection"];
    const first = owner.get(collection);
    if (first !== undefined) report(path, `\`${collection}\` is already the collection of \`${first}\``);
    else if (collection !== "") owner.set(collection, type);
    if (isSystemResource(collection)) report(path, `\`${collection}\` is a system collection`);
  }
};

const checkPerimeterTree = ({ perimeters }: ModelDocument, report: Report): void => {
  for (const [type, { in: parents, root }] of Object.entries(perimeters)) {
    if (!root && parents.length === 0) report(["perimeters", type], "is neither a root nor in anything");
    parents.forEach((parent, at) => {
      if (perimeters[parent] === undefined)
        report(["perimeters", type, "in", at], `there is no perimeter type \`${parent}\``);
    });
    const cycle = cycleThrough(type, perimeters);
    if (cycle !== undefined)
      report(["perimeters", type, "in"], `the parents go in a circle: ${cycle.map(quoted).join(" in ")}`);
  }
  if (!Object.values(perimeters).some(({ root }) => root)) {
    report(["perimeters"], "has no root type; a type without `in` is a tenant");
  }
};

/** The way from a type through its parents back to itself. */
const cycleThrough = (type: string, perimeters: ModelDocument["perimeters"]): readonly string[] | undefined => {
  const seen = new Set<string>();
  const climb = (at: string, way: readonly string[]): readonly string[] | undefined => {
    for (const parent of perimeters[at]?.in ?? []) {
      if (parent === type) return [...way, parent];
      if (seen.has(parent)) continue;
      seen.add(parent);
      const found = climb(parent, [...way, parent]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return climb(type, [type]);
};

// Resources

const checkResourceNames = ({ perimeters, resources }: ModelDocument, report: Report): void => {
  const collections = new Set(Object.values(perimeters).map(({ collection }) => collection));
  for (const type of Object.keys(resources)) {
    const path = ["resources", type];
    if (type === hostPlace) report(path, "`host` is the place above all tenants, and can't be a resource");
    if (isSystemResource(type)) report(path, `\`${type}\` is a system collection; its permissions are there already`);
    if (collections.has(type))
      report(path, `\`${type}\` is the collection of a perimeter type; its permissions are there already`);
    if (perimeters[type] !== undefined) report(path, `\`${type}\` is a perimeter type`);
  }
};

const checkResourcePlaces = (document: ModelDocument, report: Report): void => {
  const { perimeters, resources } = document;
  for (const [type, { in: places, levels }] of Object.entries(resources)) {
    const path: Path = ["resources", type, "in"];
    places.forEach((place, at) => {
      if (place === hostPlace) return;
      if (perimeters[place] === undefined && resources[place] === undefined) {
        report([...path, at], `there is no perimeter type or resource \`${place}\``);
      }
      if (isAtHost(document, place)) report([...path, at], `\`${place}\` is at the host, and holds nothing`);
    });
    if (isAtHost(document, type)) {
      if (places.length > 1) report(path, "what is at the host is nowhere else; `host` must stand alone");
      if (Object.keys(levels).length > 0)
        report(["resources", type, "levels"], "nothing at the host can be granted by level");
    } else if (places.length > 0 && !isAnchored(document, type)) {
      report(path, "leads to no perimeter; at least one place on the way up must be a perimeter type");
    }
  }
};

const isAtHost = ({ resources }: ModelDocument, type: string): boolean =>
  resources[type]?.in.includes(hostPlace) ?? false;

/** Whether the type can stand somewhere below a perimeter. Unknown places are another finding, and count as anchored here. */
const isAnchored = ({ perimeters, resources }: ModelDocument, type: string): boolean => {
  const seen = new Set<string>();
  const climb = (at: string): boolean => {
    if (perimeters[at] !== undefined || resources[at] === undefined) return true;
    if (seen.has(at)) return false;
    seen.add(at);
    return resources[at].in.some(climb);
  };
  return climb(type);
};

const checkLevels = ({ resources }: ModelDocument, report: Report): void => {
  for (const [type, { actions, levels, sufficient }] of Object.entries(resources)) {
    for (const [level, given] of Object.entries(levels)) {
      given.forEach((action, at) => {
        if (!actions.includes(action)) {
          report(["resources", type, "levels", level, at], `\`${type}\` has no action \`${action}\``);
        }
      });
    }
    sufficient.forEach((level, at) => {
      if (levels[level] === undefined)
        report(["resources", type, "sufficient", at], `\`${type}\` has no level \`${level}\``);
    });
  }
};

// Roles

const checkRoles = (document: ModelDocument, words: Vocabulary, report: Report): void => {
  for (const [name, role] of Object.entries(document.roles)) {
    checkPatterns(words, role.permissions, ["roles", name, "permissions"], "tenant", report);
    checkPatterns(words, role.within_grants, ["roles", name, "within_grants"], "tenant", report);
    checkCeiling(document, words, role.within_grants, ["roles", name, "within_grants"], report);
  }
  for (const [name, role] of Object.entries(document.host_roles)) {
    if (document.roles[name] !== undefined) report(["host_roles", name], `\`${name}\` is already a role`);
    checkPatterns(words, role.permissions, ["host_roles", name, "permissions"], "host", report);
  }
};

const checkPatterns = (
  words: Vocabulary,
  patterns: readonly string[],
  path: Path,
  reach: Reach,
  report: Report,
): void => {
  patterns.forEach((pattern, at) => {
    if (expand(words, [pattern], reach).unknown.length === 0) return;
    const atHost = expand(words, [pattern], "host").unknown.length === 0;
    report(
      [...path, at],
      atHost ? `\`${pattern}\` belongs to the host; only a host role can have it` : unmatched(pattern),
    );
  });
};

/** Within grants there must be something a grant can give, or the entry only looks like authority. */
const checkCeiling = (
  { resources }: ModelDocument,
  words: Vocabulary,
  patterns: readonly string[],
  path: Path,
  report: Report,
): void => {
  const names = Object.entries(resources).flatMap(([type, { levels }]) =>
    Object.values(levels).flatMap((actions) => actions.map((action) => `${type}:${action}`)),
  );
  const grantable = expand(words, names).set;
  patterns.forEach((pattern, at) => {
    const { set, unknown } = expand(words, [pattern]);
    if (unknown.length === 0 && isEmpty(intersection(set, grantable)))
      report([...path, at], `no level gives \`${pattern}\``);
  });
};

const unmatched = (pattern: string): string =>
  pattern.endsWith(":*") ? `\`${pattern}\` matches no permission` : `there is no permission \`${pattern}\``;

// Governance

const checkGovernance = ({ governance }: ModelDocument, words: Vocabulary, report: Report): void => {
  for (const [permission, given] of Object.entries(governance)) {
    if (!words.vocabulary.has(permission))
      report(["governance", permission], `there is no permission \`${permission}\``);
    if (given.acr !== undefined && given.class !== "human")
      report(["governance", permission, "acr"], "only a human signs in; an acr needs the class `human`");
  }
};

const quoted = (name: string): string => `\`${name}\``;
