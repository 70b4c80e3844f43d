/**
 * The difference between two models, as changes to what people may do.
 *
 * It is found in the compiled models and not in the files: moving a permission from a list into a pattern that has it is no change, and a
 * resource that gains an action changes every role, pattern and level that reaches the action. Whether anybody is concerned is not for
 * here to know; `impact.ts` puts the changes beside what is stored.
 */
import type { Change } from "./change.ts";
import { levelChanges, patternChanges, roleChanges } from "./diff-authority.ts";
import { governanceChanges } from "./diff-governance.ts";
import { typeChanges } from "./diff-tree.ts";
import type { Model } from "./model.ts";

/** What becomes different when `after` takes the place of `before`, in the order of a model file. Empty where both say the same. */
export const diffModels = (before: Model, after: Model): readonly Change[] => [
  ...wordChanges(before, after),
  ...typeChanges(before, after),
  ...levelChanges(before, after),
  ...roleChanges(before, after),
  ...patternChanges(before, after),
  ...governanceChanges(before, after),
];

const wordChanges = (before: Model, after: Model): readonly Change[] =>
  (["title", "description"] as const).flatMap((field) =>
    before[field] === after[field]
      ? []
      : [{ effect: "none", path: field, what: "says something else", permissions: [], concern: {} } as const],
  );
