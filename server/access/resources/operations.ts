/** The operations of registered resources. */
import type { Operation } from "../../operations/operation.ts";
import { batchCreateResources } from "./batch-create-resources.ts";
import { createResource } from "./create-resource.ts";
import { deleteResource } from "./delete-resource.ts";
import { getResource } from "./get-resource.ts";
import { listResources } from "./list-resources.ts";
import { moveResource } from "./move-resource.ts";
import { updateResource } from "./update-resource.ts";

export const resourceOperations: readonly Operation[] = [
  createResource,
  batchCreateResources,
  getResource,
  listResources,
  updateResource,
  moveResource,
  deleteResource,
];
