/** Reads one perimeter. */
import { isFault } from "../../core/faults.ts";
import type { Perimeter } from "../../core/model/model.ts";
import { id, strict } from "../operations/fields.ts";
import { operation } from "../operations/operation.ts";
import { atPerimeter, knownPerimeter, tenantOfPerimeter } from "./find.ts";
import { perimeterOutput, render } from "./model.ts";

export const getPerimeter = (type: Perimeter) =>
  operation({
    name: `${type.collection}.get`,
    summary: `Read a perimeter of type ${type.type}`,
    kind: "read",
    method: "GET",
    path: `/v1/${type.collection}/{id}`,
    status: 200,
    input: strict({ id }),
    output: perimeterOutput,
    permission: `${type.collection}:read`,
    scope: tenantOfPerimeter(type),
    target: atPerimeter(type),
    run: async (tx, input, { model }) => {
      const node = await knownPerimeter(tx, type, input.id);
      return isFault(node) ? node : render(model, node);
    },
  });
