/**
 * Registers many resources, all of them or none. They stand in `parent`, or each in a `parent` of its own, which may be one registered
 * before it in the same request: a folder and what is in it come together, when the application gives the folder's id.
 */
import Type from "typebox";
import { fault, isFault } from "../../../core/faults.ts";
import { displayName, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atParent, nodeRef } from "../../operations/targets.ts";
import { holdTree } from "../../tree/store.ts";
import { attributes, batch_size_max, happened, owner, ownId, parent, render, resourceOutput, type } from "./model.ts";
import { planned } from "./plan.ts";
import { insertResources } from "./store.ts";

export const batchCreateResources = operation({
  name: "resources.batchCreate",
  summary: `Register up to ${batch_size_max} resources, all of them or none`,
  kind: "change",
  method: "POST",
  path: "/v1/resources:batchCreate",
  status: 201,
  input: strict({
    parent,
    resources: Type.Array(
      strict({
        type,
        parent: Type.Optional(parent),
        display_name: displayName,
        id: Type.Optional(ownId),
        owner: Type.Optional(owner),
        attributes: Type.Optional(attributes),
      }),
      { minItems: 1, maxItems: batch_size_max, description: "in order: what another stands in comes before it" },
    ),
  }),
  output: strict({ items: Type.Array(resourceOutput) }),
  permission: "resources:create",
  scope: "tenant",
  target: atParent,
  event: ({ items }) => items.map((resource) => happened(resource, "created")),
  run: async (tx, input, context) => {
    const { model } = context;
    await holdTree(tx, "shared");
    const wanted = input.resources.map((one) => ({ ...one, parent: one.parent ?? input.parent }));
    const plan = await planned(tx, wanted, input.parent, context);
    if (isFault(plan)) return plan;
    const taken = new Set(await insertResources(tx, plan));
    const [first] = plan.filter(({ id }) => taken.has(id));
    if (first !== undefined)
      return fault("already_exists", `\`${nodeRef(model, first)}\` has an id that is taken; none were registered`);
    return { items: plan.map((resource) => render(model, resource)) };
  },
});
