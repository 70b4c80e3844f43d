/**
 * Suspends a perimeter, and resumes it. Suspended, it and everything below it is refused at once, and everywhere: for a tenant, every token
 * and every permission in it. Both are decided above the perimeter, by the permission `suspend`.
 */
import { isFault } from "../../core/faults.ts";
import type { Perimeter } from "../../core/model/model.ts";
import { expectRevision, overtaken } from "../operations/etag.ts";
import { id, strict } from "../operations/fields.ts";
import { operation } from "../operations/operation.ts";
import { tenantVersion } from "../platform/cache/fresh-cache.ts";
import { updateNode } from "../tree/store.ts";
import { abovePerimeter, knownPerimeter, tenantOfPerimeter } from "./find.ts";
import { happened, perimeterOutput, render, stateAfter } from "./model.ts";

const transition =
  (verb: "suspend" | "resume", participle: "suspended" | "resumed", summary: string) => (type: Perimeter) =>
    operation({
      name: `${type.collection}.${verb}`,
      summary: `${summary} of type ${type.type}`,
      kind: "change",
      method: "POST",
      path: `/v1/${type.collection}/{id}:${verb}`,
      status: 200,
      input: strict({ id }),
      output: perimeterOutput,
      permission: `${type.collection}:suspend`,
      scope: tenantOfPerimeter(type),
      target: abovePerimeter(type),
      impact: ({ id: node }) => [{ node }],
      event: happened(type, participle),
      run: async (tx, input, { model, now, ifMatch }) => {
        const node = await knownPerimeter(tx, type, input.id);
        if (isFault(node)) return node;
        const next = stateAfter(verb, node.state);
        if (isFault(next)) return next;
        const expected = expectRevision(ifMatch, node.revision, "optional");
        if (isFault(expected)) return expected;
        const after = await updateNode(tx, node.id, expected.revision, next, new Date(now));
        if (after === undefined) return overtaken();
        tx.touch(tenantVersion(tx.tenant));
        return render(model, { ...node, ...after });
      },
    });

export const suspendPerimeter = transition("suspend", "suspended", "Suspend a perimeter and everything in it,");
export const resumePerimeter = transition("resume", "resumed", "Resume a suspended perimeter");
