/** Where things stand in the world of a file of assertions, in the words of its model. */
import type { NodeDocument } from "./document.ts";
import type { Model } from "../model.ts";

/** `clients/north` → `clients` and `north`. The name alone is the node's id, so that conditions see refs as they are. */
export const partsOf = (ref: string): readonly [string, string] => {
  const slash = ref.indexOf("/");
  return slash < 0 ? [ref, ""] : [ref.slice(0, slash), ref.slice(slash + 1)];
};

/** The type a ref's collection stands for; undefined where the model has none. */
export const typeOf = (model: Model, ref: string): string | undefined => {
  const [collection] = partsOf(ref);
  return model.collections.get(collection)?.type ?? (model.resources.has(collection) ? collection : undefined);
};

/** From the node up to the root; ends where it would go in a circle or leads to nothing. */
export const wayUp = (world: ReadonlyMap<string, NodeDocument>, ref: string): readonly string[] => {
  const way: string[] = [];
  for (let at: string | undefined = ref; at !== undefined && world.has(at) && !way.includes(at); at = world.get(at)?.in)
    way.push(at);
  return way;
};
