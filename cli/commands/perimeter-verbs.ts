/** The verbs of an access model's own collections, as the server's declarations have them. */
import { perimeterOperations } from "../../server/perimeters/operations.ts";
import { loadModel } from "../../server/startup/access-model.ts";
import { type Verb, verbOf } from "./verb.ts";

/** Undefined where the model is wrong; `config check` says how. */
export const perimeterVerbs = (model: string): readonly Verb[] | undefined => {
  try {
    return perimeterOperations(loadModel(model).model).map(verbOf);
  } catch {
    return undefined;
  }
};
