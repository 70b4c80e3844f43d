/**
 * Registers a resource in a perimeter or in another resource. Who registers it gets nothing by that: what they may do there is what roles
 * and grants give at the parent. Sent again with the same Idempotency-Key it answers as before; the same `id` without one is a collision.
 */
import Type from "typebox";
import { fault, isFault } from "../../../core/faults.ts";
import { displayName, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atParent, nodeRef } from "../../operations/targets.ts";
import { holdTree } from "../../tree/store.ts";
import { attributes, happened, owner, ownId, parent, render, resourceOutput, type } from "./model.ts";
import { planned } from "./plan.ts";
import { insertResources } from "./store.ts";

export const createResource = operation({
  name: "resources.create",
  summary: "Register a resource",
  kind: "change",
  method: "POST",
  path: "/v1/resources",
  status: 201,
  input: strict({
    type,
    parent,
    display_name: displayName,
    id: Type.Optional(ownId),
    owner: Type.Optional(owner),
    attributes: Type.Optional(attributes),
  }),
  output: resourceOutput,
  permission: "resources:create",
  scope: "tenant",
  target: atParent,
  event: (resource) => happened(resource, "created"),
  run: async (tx, input, context) => {
    await holdTree(tx, "shared");
    const plan = await planned(tx, [input], input.parent, context);
    if (isFault(plan)) return plan;
    const [resource] = plan;
    if (resource === undefined) throw new Error("one was planned");
    const taken = await insertResources(tx, plan);
    if (taken.length > 0)
      return fault("already_exists", `\`${nodeRef(context.model, resource)}\` has an id that is taken`);
    return render(context.model, resource);
  },
});
