/**
 * Deletes a perimeter, a tenant too, once nothing is left below it: what is inside ends by somebody's decision, never as a by-product. Its
 * id is never used again, and from then on answers like one that never was.
 */
import { fault, isFault } from "../../core/faults.ts";
import type { Perimeter } from "../../core/model/model.ts";
import { expectRevision, overtaken } from "../operations/etag.ts";
import { id, strict } from "../operations/fields.ts";
import { operation } from "../operations/operation.ts";
import { tenantVersion } from "../platform/cache/fresh-cache.ts";
import { hasChildren, updateNode } from "../tree/store.ts";
import { atPerimeter, knownPerimeter, tenantOfPerimeter } from "./find.ts";
import { happened, perimeterOutput, render, stateAfter } from "./model.ts";
import { hasGroups, holdNode } from "./store.ts";

export const deletePerimeter = (type: Perimeter) =>
  operation({
    name: `${type.collection}.delete`,
    summary: `Delete a perimeter of type ${type.type} that nothing is left in`,
    kind: "change",
    method: "DELETE",
    path: `/v1/${type.collection}/{id}`,
    status: 200,
    input: strict({ id }),
    output: perimeterOutput,
    permission: `${type.collection}:delete`,
    scope: tenantOfPerimeter(type),
    target: atPerimeter(type),
    impact: ({ id: node }) => [{ node }],
    event: happened(type, "deleted"),
    run: async (tx, input, { model, now, ifMatch }) => {
      const node = await knownPerimeter(tx, type, input.id);
      if (isFault(node)) return node;
      const next = stateAfter("delete", node.state);
      if (isFault(next)) return next;
      const expected = expectRevision(ifMatch, node.revision, "optional");
      if (isFault(expected)) return expected;
      // Held first, so that whoever is creating a child has finished, and is seen, or has to wait, and is refused.
      await holdNode(tx, node.id, "update");
      if (await hasChildren(tx, node.id))
        return fault("illegal_transition", "there is something below it still; delete that first");
      // With a tenant its groups end too; those of another perimeter may have authority elsewhere in the tenant.
      if (node.parent !== null && (await hasGroups(tx, node.id)))
        return fault("illegal_transition", "there are groups in it still; delete those first");
      const after = await updateNode(tx, node.id, expected.revision, next, new Date(now));
      if (after === undefined) return overtaken();
      tx.touch(tenantVersion(tx.tenant));
      return render(model, { ...node, ...after });
    },
  });
