/** Renames a perimeter. */
import Type from "typebox";
import { isFault } from "../../core/faults.ts";
import type { Perimeter } from "../../core/model/model.ts";
import { expectRevision, overtaken } from "../operations/etag.ts";
import { displayName, id, strict } from "../operations/fields.ts";
import { operation } from "../operations/operation.ts";
import { masked, updateMask } from "../operations/update-mask.ts";
import { updateNode } from "../tree/store.ts";
import { atPerimeter, knownPerimeter, tenantOfPerimeter } from "./find.ts";
import { happened, perimeterOutput, render } from "./model.ts";

export const updatePerimeter = (type: Perimeter) =>
  operation({
    name: `${type.collection}.update`,
    summary: `Change a perimeter of type ${type.type}`,
    kind: "change",
    method: "PATCH",
    path: `/v1/${type.collection}/{id}`,
    status: 200,
    input: strict({ id, update_mask: updateMask, display_name: Type.Optional(displayName) }),
    output: perimeterOutput,
    permission: `${type.collection}:update`,
    scope: tenantOfPerimeter(type),
    target: atPerimeter(type),
    event: happened(type, "updated"),
    run: async (tx, input, { model, now, ifMatch }) => {
      const node = await knownPerimeter(tx, type, input.id);
      if (isFault(node)) return node;
      const change = masked(input, ["display_name"]);
      if (isFault(change)) return change;
      const expected = expectRevision(ifMatch, node.revision, "optional");
      if (isFault(expected)) return expected;
      const after = await updateNode(tx, node.id, expected.revision, change, new Date(now));
      return after === undefined ? overtaken() : render(model, { ...node, ...after });
    },
  });
