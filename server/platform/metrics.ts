/** What the server counts about itself, for Prometheus. Label values come from route tables alone, so their number is bounded. */
import { collectDefaultMetrics, Gauge, Histogram, type Registry } from "prom-client";

/** Seconds: from a warm check to a request that should have been refused. */
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export type Metrics = {
  http(route: string, method: string, status: number, seconds: number): void;
  grpc(method: string, status: number, milliseconds: number): void;
};

/** Its label `version` is the access model this process was started with, as `countersign model` names it. */
export const modelMetric = "countersign_access_model";

export const openMetrics = (registry: Registry, modelVersion: string): Metrics => {
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: modelMetric,
    help: "the access model this process was started with",
    labelNames: ["version"],
    aggregator: "max",
    registers: [registry],
  })
    .labels(modelVersion)
    .set(1);
  const http = new Histogram({
    name: "countersign_http_request_seconds",
    help: "how long HTTP requests took",
    labelNames: ["route", "method", "status"],
    buckets,
    registers: [registry],
  });
  const grpc = new Histogram({
    name: "countersign_grpc_call_seconds",
    help: "how long gRPC calls took",
    labelNames: ["method", "status"],
    buckets,
    registers: [registry],
  });
  // prom-client hashes its labels on every observation; a child per combination is found by one string instead.
  const httpChildren = new Map<string, Histogram.Internal<string>>();
  const grpcChildren = new Map<string, Histogram.Internal<string>>();
  const child = (
    children: Map<string, Histogram.Internal<string>>,
    name: string,
    make: () => Histogram.Internal<string>,
  ) => {
    const known = children.get(name);
    if (known !== undefined) return known;
    const fresh = make();
    children.set(name, fresh);
    return fresh;
  };
  return {
    http: (route, method, status, seconds) =>
      child(httpChildren, `${status} ${method} ${route}`, () => http.labels(route, method, String(status))).observe(
        seconds,
      ),
    grpc: (method, status, milliseconds) =>
      child(grpcChildren, `${status} ${method}`, () => grpc.labels(method, String(status))).observe(
        milliseconds / 1000,
      ),
  };
};
