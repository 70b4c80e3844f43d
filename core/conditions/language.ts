/**
 * The part of CEL that conditions are written in, and what is there to be looked at. Everything here has a bounded cost; what has none is
 * left out, `matches` first of all: it is a backtracking regular expression in the hands of whoever writes the condition.
 */
import { Environment } from "@marcbachmann/cel-js";
import { elements_max, expression_depth_max, expression_nodes_max } from "./limits.ts";
import { isInNetwork } from "./networks.ts";
import { zoned } from "./zones.ts";

const timestamp = "google.protobuf.Timestamp";

/** Fields whose names are known, so that a slip in one is refused when the condition is written. */
export const fields = {
  subject: { id: "string", ref: "string", kind: "string", acr: "string", properties: "map" },
  resource: { id: "string", type: "string", ref: "string", owner: "string", attributes: "map", properties: "map" },
} as const;

export const variables: readonly string[] = ["now", ...Object.keys(fields), "context"];

/** Called as `size(x)`. */
export const functions: readonly string[] = [
  "has",
  "size",
  "in_network",
  "int",
  "double",
  "string",
  "bool",
  "timestamp",
  "duration",
];

/** Called as `list.exists(x, …)`: they run their last argument once for each element. */
export const comprehensions: readonly string[] = ["all", "exists", "exists_one", "filter"];

/** Called as `text.startsWith(x)`. */
export const methods: readonly string[] = [
  ...comprehensions,
  "size",
  "startsWith",
  "endsWith",
  "contains",
  "lowerAscii",
  "upperAscii",
  "trim",
  "getMilliseconds",
  ...Object.keys(zoned),
];

/** What stands for `getHours("Europe/Berlin")` once the expression is read: see `zones.ts`. */
export const zonedName = (method: string): string => `zoned_${method}`;

const environmentOf = (): Environment => {
  const environment = new Environment({
    limits: {
      maxAstNodes: expression_nodes_max,
      maxDepth: expression_depth_max,
      maxListElements: elements_max,
      maxMapEntries: elements_max,
    },
  })
    .registerVariable("now", timestamp)
    .registerVariable({ name: "subject", schema: fields.subject })
    .registerVariable({ name: "resource", schema: fields.resource })
    .registerVariable("context", "map")
    .registerFunction("in_network(string, string): bool", isInNetwork)
    .registerFunction("in_network(string, list<string>): bool", (address: string, networks: readonly string[]) =>
      // All of them are read, so that a list that is wrong somewhere is wrong whatever the address.
      networks.map((network) => isInNetwork(address, network)).includes(true),
    );
  for (const [method, read] of Object.entries(zoned))
    environment.registerFunction(`${timestamp}.${zonedName(method)}(string): int`, read);
  return environment;
};

export const environment = environmentOf();
