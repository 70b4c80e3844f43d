/** Reads one registered resource. */
import { isFault } from "../../../core/faults.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atResource, knownResource } from "./find.ts";
import { render, resourceOutput } from "./model.ts";

export const getResource = operation({
  name: "resources.get",
  summary: "Read a registered resource",
  kind: "read",
  method: "GET",
  path: "/v1/resources/{id}",
  status: 200,
  input: strict({ id }),
  output: resourceOutput,
  permission: "resources:read",
  scope: "tenant",
  target: atResource,
  run: async (tx, input, { model }) => {
    const resource = await knownResource(tx, model, input.id);
    return isFault(resource) ? resource : render(model, resource);
  },
});
