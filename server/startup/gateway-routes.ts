/** Reads the file that says what each route of the gateways needs. */
import { readFileSync } from "node:fs";
import type { Model } from "../../core/model/model.ts";
import { readRoutes } from "../decisions/edge/read-routes.ts";
import { type RouteTable, routeTableOf } from "../decisions/edge/route-table.ts";
import { StartRefused } from "./refusal.ts";

/** `path` is empty where no gateway is told here what its routes need: then only what one says itself lets anything pass. */
export const loadGatewayRoutes = (path: string, model: Model): RouteTable => {
  if (path === "") return routeTableOf([]);
  const read = readRoutes(readText(path), path, model);
  if ("errors" in read) throw new StartRefused(read.errors);
  return routeTableOf(read.routes);
};

const readText = (file: string): string => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new StartRefused([`COUNTERSIGN_GATEWAY_ROUTES names \`${file}\`, which cannot be read`]);
  }
};
