/** Moves a resource, with everything below it, to another perimeter or resource. What that asks of the mover is in `perimeters/moving/`. */
import { isFault } from "../../../core/faults.ts";
import { nodeRef } from "../../operations/targets.ts";
import { id, ref, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { moveNode } from "../../perimeters/moving/move-node.ts";
import { atResource, knownResource } from "./find.ts";
import { happened, render, resourceOutput } from "./model.ts";
import { placesOf } from "./plan.ts";

export const moveResource = operation({
  name: "resources.move",
  summary: "Move a registered resource, with everything below it, to another parent",
  kind: "change",
  method: "POST",
  path: "/v1/resources/{id}:move",
  status: 200,
  input: strict({ id, parent: ref("the perimeter or resource it is moved to") }),
  output: strict({ ...resourceOutput.properties, previous_parent: ref("what it was in") }),
  permission: "resources:update",
  scope: "tenant",
  target: atResource,
  impact: ({ id: node }) => [{ node }],
  event: (resource) => {
    const event = happened(resource, "moved");
    return { ...event, data: { ...event.data, previous_parent: resource.previous_parent } };
  },
  run: async (tx, input, context) => {
    const { model } = context;
    const resource = await knownResource(tx, model, input.id);
    if (isFault(resource)) return resource;
    const move = {
      id: resource.id,
      ref: nodeRef(model, resource),
      parent: input.parent,
      places: placesOf(model, resource.type),
      update: "resources:update",
      create: "resources:create",
    };
    const moved = await moveNode(tx, move, context);
    if (isFault(moved)) return moved;
    const after = await knownResource(tx, model, input.id);
    return isFault(after) ? after : { ...render(model, after), previous_parent: moved.previousParent };
  },
});
