/** The operations of perimeters: for every type the access model has, the same ones under its own collection. */
import type { Model } from "../../core/model/model.ts";
import type { Operation } from "../operations/operation.ts";
import { createPerimeter } from "./create-perimeter.ts";
import { deletePerimeter } from "./delete-perimeter.ts";
import { getPerimeter } from "./get-perimeter.ts";
import { listPerimetersOf } from "./list-perimeters.ts";
import { movePerimeter } from "./move-perimeter.ts";
import { resumePerimeter, suspendPerimeter } from "./suspend-perimeter.ts";
import { isAlwaysRoot } from "./model.ts";
import { updatePerimeter } from "./update-perimeter.ts";

const everyType = [
  createPerimeter,
  getPerimeter,
  listPerimetersOf,
  updatePerimeter,
  suspendPerimeter,
  resumePerimeter,
  deletePerimeter,
] as const;

export const perimeterOperations = (model: Model): readonly Operation[] =>
  [...model.perimeters.values()].flatMap((type) => [
    ...everyType.map((declare) => declare(type)),
    ...(isAlwaysRoot(type) ? [] : [movePerimeter(type)]),
  ]);
