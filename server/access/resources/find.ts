/** Where operations on a registered resource are decided: at the resource itself, as it is stored. */
import { isFault, type Result } from "../../../core/faults.ts";
import { formatRef, type NodeId } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import type { Target, TargetContext } from "../../operations/operation.ts";
import { nodeRef, noSuch } from "../../operations/targets.ts";
import type { Tx } from "../../platform/database/database.ts";
import { collection, type Resource } from "./model.ts";
import { findResource } from "./store.ts";

/** The types the model has. What was registered under one that it has no more is out of reach until it has it again. */
export const typesOf = (model: Model): readonly string[] => [...model.resources.keys()];

export const knownResource = async (tx: Tx, model: Model, id: string): Promise<Result<Resource>> =>
  (await findResource(tx, typesOf(model), id as NodeId)) ?? noSuch(formatRef(collection, id));

export const atResource = async (
  tx: Tx,
  input: { readonly id: string },
  { model }: TargetContext,
): Promise<Result<Target>> => {
  const resource = await knownResource(tx, model, input.id);
  return isFault(resource) ? resource : { node: resource.id, ref: nodeRef(model, resource) };
};
