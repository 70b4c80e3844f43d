/** Where two models differ in what may stand in a tree, and where. What stands there already stays; it may come to stand nowhere. */
import { type Change, keysOf, without } from "./change.ts";
import { hostPlace, type Model } from "./model.ts";

export const typeChanges = (before: Model, after: Model): readonly Change[] => [
  ...perimeterChanges(before, after),
  ...resourceChanges(before, after),
];

const perimeterChanges = (before: Model, after: Model): readonly Change[] =>
  keysOf(before.perimeters, after.perimeters).flatMap((type) => {
    const path = `perimeters.${type}`;
    const [was, is] = [before.perimeters.get(type), after.perimeters.get(type)];
    if (was === undefined) return [isNew(path)];
    if (is === undefined) return [isGone(path, type)];
    return [
      ...(was.collection === is.collection
        ? []
        : [
            strands(`${path}.collection`, `is \`${is.collection}\` instead of \`${was.collection}\`: its refs change`, {
              types: [type],
            }),
          ]),
      ...(was.root && !is.root ? [strands(path, "is no tenant any more", { placements: [`${type} in `] })] : []),
      ...placeChanges(path, type, was.in, is.in),
    ];
  });

const resourceChanges = (before: Model, after: Model): readonly Change[] =>
  keysOf(before.resources, after.resources).flatMap((type) => {
    const path = `resources.${type}`;
    const [was, is] = [before.resources.get(type), after.resources.get(type)];
    if (was === undefined) return [isNew(path)];
    if (is === undefined) return [isGone(path, type)];
    const [wasAtHost, isAtHost] = [was.in.includes(hostPlace), is.in.includes(hostPlace)];
    return [
      ...(wasAtHost === isAtHost
        ? []
        : [
            words(path, isAtHost ? "belongs to the host now" : "belongs to the tenants now, and no longer to the host"),
          ]),
      ...placeChanges(path, type, was.in, is.in),
    ];
  });

const placeChanges = (
  path: string,
  type: string,
  before: readonly string[],
  after: readonly string[],
): readonly Change[] => [
  ...without(before, after).map((place) =>
    strands(`${path}.in`, `can't be in \`${place}\` any more`, { placements: [`${type} in ${place}`] }),
  ),
  ...without(after, before).map((place) => words(`${path}.in`, `may be in \`${place}\` too`)),
];

// Rights follow from permissions, whose changes are told with the roles, patterns and levels that give them.

const words = (path: string, what: string): Change => ({ effect: "none", path, what, permissions: [], concern: {} });
const isNew = (path: string): Change => words(path, "is new");
const isGone = (path: string, type: string): Change => strands(path, "is gone", { types: [type] });
const strands = (path: string, what: string, concern: Change["concern"]): Change => ({
  effect: "strands",
  path,
  what,
  permissions: [],
  concern,
});
