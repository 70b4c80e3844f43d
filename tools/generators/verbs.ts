// The command line's verbs, from the operations' declarations and the model that `npm start` loads: reading them takes a start of the
// command line a moment, where loading the declarations would take most of the server.
import { readFileSync } from "node:fs";
import type { Field } from "../../cli/commands/fields.ts";
import { collectionOf, type Verb, verbOf } from "../../cli/commands/verb.ts";
import { type Generated, modelDigest } from "../../cli/commands/verbs.ts";
import { allOperations } from "../../server/route-table.ts";
import { loadModel } from "../../server/startup/access-model.ts";

export const path = "cli/verbs.json";

const shipped = "models/default.yaml";

export const generate = async (): Promise<string> => {
  const { model } = loadModel(shipped);
  const verbs = allOperations(model).map(verbOf).map(lean);
  const perimeters = new Set([...model.perimeters.values()].map(({ collection }) => collection));
  const isOfModel = (verb: Verb): boolean => perimeters.has(collectionOf(verb));
  const generated: Generated = {
    model: modelDigest(readFileSync(shipped, "utf8")),
    ofModel: verbs.filter(isOfModel),
    ofEveryModel: verbs.filter((verb) => !isOfModel(verb)),
  };
  return `${JSON.stringify(generated, null, 1)}\n`;
};

const lean = (verb: Verb): Verb => ({
  ...verb,
  fields: verb.fields.map((field) => ({ ...field, schema: leanSchema(field.schema) })),
});

/** Of a schema what the command line looks at. */
const leanSchema = ({ type, items, const: one, enum: several, anyOf }: Field["schema"]): Field["schema"] => ({
  ...(type === undefined ? {} : { type }),
  ...(items === undefined ? {} : { items: leanSchema(items) }),
  ...(one === undefined ? {} : { const: one }),
  ...(several === undefined ? {} : { enum: several }),
  ...(anyOf === undefined ? {} : { anyOf: anyOf.map(leanSchema) }),
});
