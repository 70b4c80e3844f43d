/** The verbs as the server's own declarations have them: for an access model of one's own, and for what writes verbs.json. */
import { allOperations } from "../../server/route-table.ts";
import { loadModel } from "../../server/startup/access-model.ts";
import { type Verb, verbOf } from "./verb.ts";

/** Undefined where the model is wrong; `config check` says how. */
export const declaredVerbs = (model: string): readonly Verb[] | undefined => {
  try {
    return allOperations(loadModel(model).model).map(verbOf);
  } catch {
    return undefined;
  }
};
