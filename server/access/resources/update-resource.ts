/**
 * Changes what is known of a resource. A name is a name; owner and attributes are what conditions ask about, so who changes them can make
 * a condition hold for anybody, and must hold what roles and grants give there under conditions (invariant 8).
 */
import Type from "typebox";
import { isFault } from "../../../core/faults.ts";
import { checkConditions } from "../../perimeters/moving/check-handing-on.ts";
import { expectRevision, overtaken } from "../../operations/etag.ts";
import { displayName, id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { masked, updateMask } from "../../operations/update-mask.ts";
import { tenantVersion } from "../../platform/cache/fresh-cache.ts";
import { holdTree } from "../../tree/store.ts";
import { knownOwner } from "./check-owner.ts";
import { atResource, knownResource } from "./find.ts";
import { attributes, happened, owner, render, resourceOutput } from "./model.ts";
import { checkAttributes } from "./plan.ts";
import { updateResource as updateStored } from "./store.ts";

export const updateResource = operation({
  name: "resources.update",
  summary: "Change a registered resource",
  kind: "change",
  method: "PATCH",
  path: "/v1/resources/{id}",
  status: 200,
  input: strict({
    id,
    update_mask: updateMask,
    display_name: Type.Optional(displayName),
    owner: Type.Optional(Type.Union([owner, Type.Null()])),
    attributes: Type.Optional(attributes),
  }),
  output: resourceOutput,
  permission: "resources:update",
  scope: "tenant",
  target: atResource,
  event: (resource) => happened(resource, "updated"),
  run: async (tx, input, context) => {
    const { model, now, ifMatch } = context;
    // The conditions asked about are those of the place it is in.
    await holdTree(tx, "shared");
    const resource = await knownResource(tx, model, input.id);
    if (isFault(resource)) return resource;
    const written = masked(input, ["display_name", "owner", "attributes"]);
    if (isFault(written)) return written;
    const expected = expectRevision(ifMatch, resource.revision, "optional");
    if (isFault(expected)) return expected;
    const change = {
      ...(written.display_name === undefined ? {} : { display_name: written.display_name }),
      ...(written.attributes === undefined ? {} : { attributes: written.attributes }),
    };
    const newOwner =
      written.owner === undefined || written.owner === null ? written.owner : await knownOwner(tx, written.owner);
    if (isFault(newOwner)) return newOwner;
    const asked = newOwner !== undefined || written.attributes !== undefined;
    const refused =
      (written.attributes === undefined ? undefined : checkAttributes(written.attributes)) ??
      (asked ? await checkConditions(tx, resource, context) : undefined);
    if (refused !== undefined) return refused;
    const whole = { ...change, ...(newOwner === undefined ? {} : { owner: newOwner }) };
    if (!(await updateStored(tx, resource.id, expected.revision, whole, new Date(now)))) return overtaken();
    if (asked) tx.touch(tenantVersion(tx.tenant));
    const after = await knownResource(tx, model, input.id);
    return isFault(after) ? after : render(model, after);
  },
});
