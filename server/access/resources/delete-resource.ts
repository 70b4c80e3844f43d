/**
 * Deletes a resource once nothing is left below it, and with it what was granted, assigned and shared on it. Its id is never used again,
 * and from then on answers like one that never was.
 */
import Type from "typebox";
import { fault, isFault } from "../../../core/faults.ts";
import { expectRevision, overtaken } from "../../operations/etag.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { tenantVersion } from "../../platform/cache/fresh-cache.ts";
import { holdNode } from "../../perimeters/store.ts";
import { hasChildren, updateNode } from "../../tree/store.ts";
import { atResource, knownResource } from "./find.ts";
import { happened, render, resourceOutput } from "./model.ts";
import { endBindings } from "./store.ts";

const ended = strict({
  resource_grants: Type.Integer(),
  role_assignments: Type.Integer(),
  share_links: Type.Integer(),
});

export const deleteResource = operation({
  name: "resources.delete",
  summary: "Delete a registered resource that nothing is left below, and what was granted on it",
  kind: "change",
  method: "DELETE",
  path: "/v1/resources/{id}",
  status: 200,
  input: strict({ id }),
  output: strict({ ...resourceOutput.properties, ended }),
  permission: "resources:delete",
  scope: "tenant",
  target: atResource,
  impact: ({ id: node }) => [{ node }],
  event: (resource) => {
    const event = happened(resource, "deleted");
    return { ...event, data: { ...event.data, ended: resource.ended } };
  },
  run: async (tx, input, { model, now, ifMatch }) => {
    const resource = await knownResource(tx, model, input.id);
    if (isFault(resource)) return resource;
    const expected = expectRevision(ifMatch, resource.revision, "optional");
    if (isFault(expected)) return expected;
    // Held first: who is creating below it, moving something there or granting on it has finished, and is seen, or finds it gone.
    await holdNode(tx, resource.id, "update");
    if (await hasChildren(tx, resource.id))
      return fault("illegal_transition", "there is something below it still; delete that first");
    const at = new Date(now);
    const after = await updateNode(tx, resource.id, expected.revision, { state: "deleted" }, at);
    if (after === undefined) return overtaken();
    const { grants, assignments, links } = await endBindings(tx, resource.id, at);
    tx.touch(tenantVersion(tx.tenant));
    return {
      ...render(model, { ...resource, ...after }),
      ended: { resource_grants: grants, role_assignments: assignments, share_links: links },
    };
  },
});
