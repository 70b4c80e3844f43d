/** Moves a perimeter below another one, with everything in it. What that asks of the mover is in `moving/`. A tenant's root stays. */
import { isFault } from "../../core/faults.ts";
import { formatRef, type NodeId } from "../../core/ids.ts";
import type { Perimeter } from "../../core/model/model.ts";
import { id, ref, strict } from "../operations/fields.ts";
import { operation } from "../operations/operation.ts";
import { atPerimeter, tenantOfPerimeter } from "./find.ts";
import { happened, perimeterOutput, render } from "./model.ts";
import { moveNode } from "./moving/move-node.ts";

export const movePerimeter = (type: Perimeter) =>
  operation({
    name: `${type.collection}.move`,
    summary: `Move a perimeter of type ${type.type}, with everything in it, to another parent`,
    kind: "change",
    method: "POST",
    path: `/v1/${type.collection}/{id}:move`,
    status: 200,
    input: strict({ id, parent: ref(`where it is moved to, of type ${type.in.join(" or ")}`) }),
    output: strict({ ...perimeterOutput.properties, previous_parent: ref("the perimeter it was in") }),
    permission: `${type.collection}:update`,
    scope: tenantOfPerimeter(type),
    target: atPerimeter(type),
    impact: ({ id: node }) => [{ node }],
    event: (node) => {
      const event = happened(type, "moved")(node);
      return { ...event, data: { ...event.data, previous_parent: node.previous_parent } };
    },
    run: async (tx, input, context) => {
      const move = {
        id: input.id as NodeId,
        ref: formatRef(type.collection, input.id),
        parent: input.parent,
        places: type.in,
        update: `${type.collection}:update`,
        create: `${type.collection}:create`,
      };
      const moved = await moveNode(tx, move, context);
      if (isFault(moved)) return moved;
      const { node, parent, previousParent } = moved;
      return { ...render(context.model, { ...node, parentType: parent.type }), previous_parent: previousParent };
    },
  });
