/**
 * The gRPC server: a route table, health and reflection on one port, bounded in every direction, and drained without cutting a call.
 * It knows no business: routes are given to it, faults come out as statuses (`status.ts`), one call's way is in `unary.ts`.
 */
import { Server, ServerCredentials, type ServiceDefinition } from "@grpc/grpc-js";
import type { Fault } from "../../../core/faults.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Log } from "../../platform/log.ts";
import { type Certificates, type GrpcTls, openListener } from "./listener.ts";
import { addPublicServices } from "./public-services.ts";
import { batch_request_bytes_max, type GrpcRoute, routeProblems } from "./routes.ts";
import { decodeRequest, type UnaryContext, unaryHandler } from "./unary.ts";

export type GrpcOptions = {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Without it the port is plain text, for a trusted network or a sidecar. */
  readonly tls?: GrpcTls;
  /** After about this long (±10 %) a connection is asked to go, so that clients find new servers and certificates are verified anew. */
  readonly maxConnectionAgeMs: number;
  /** How long calls then still have, before the connection is cut. */
  readonly maxConnectionAgeGraceMs: number;
  readonly routes: readonly GrpcRoute[];
  /** Whether grpcurl and its like may ask for the .proto files. */
  readonly reflection: boolean;
  readonly log: Log;
  /** The system's clock, which grpc-js counts deadlines on. */
  readonly clock: Clock;
  /** Milliseconds that only rise, with fractions, for how long calls take. Without it the clock's whole milliseconds are told. */
  readonly monotonicMs?: () => number;
  /** The fault an expected throw stands for, such as `unavailable` for an unreachable database. Anything else is `internal`. */
  readonly faultOf?: (thrown: unknown) => Fault | undefined;
  /** Told of every answer of a route, for metrics: method name, gRPC status number, milliseconds. */
  readonly observe?: UnaryContext["observe"];
};

export type GrpcServer = {
  readonly port: number;
  /** What the health service answers; true from the start. */
  setServing(serving: boolean): void;
  /**
   * Reports NOT_SERVING, refuses new connections, asks open ones to go, and resolves when their calls have ended. What has not ended
   * after `graceMs` is cut.
   */
  drain(graceMs: number): Promise<void>;
};

const concurrent_streams_max = 512;
const keepalive_ms = 60_000;
const keepalive_timeout_ms = 20_000;
const connection_idle_ms_max = 15 * 60_000;

/** Starts serving. Throws when a method has no route or a route no policy, and when the port or the certificates are no good. */
export const startGrpc = async (options: GrpcOptions): Promise<GrpcServer> => {
  const problems = routeProblems(options.routes);
  if (problems.length > 0) throw new Error(`the gRPC routes are incomplete: ${problems.join("; ")}`);

  const server = new Server({
    "grpc.max_receive_message_length": batch_request_bytes_max, // each route has its own, smaller or equal
    "grpc.max_concurrent_streams": concurrent_streams_max,
    "grpc.max_connection_age_ms": options.maxConnectionAgeMs,
    "grpc.max_connection_age_grace_ms": options.maxConnectionAgeGraceMs,
    "grpc.max_connection_idle_ms": connection_idle_ms_max,
    "grpc.keepalive_time_ms": keepalive_ms,
    "grpc.keepalive_timeout_ms": keepalive_timeout_ms,
    "grpc.enable_channelz": 0, // bookkeeping on every call that nothing here reads
  });
  // Metadata is bounded by node:http2: 64 KiB and 128 pairs a request.

  const certificates: Certificates = new Map();
  addRoutes(server, options.routes, {
    log: options.log,
    clock: options.clock,
    monotonicMs: options.monotonicMs ?? options.clock.now,
    certificateOf: (peer) => certificates.get(peer),
    faultOf: options.faultOf ?? (() => undefined),
    observe: options.observe ?? (() => {}),
  });
  const publicServices = addPublicServices(server, {
    names: [...new Set(options.routes.map(({ service }) => service))],
    reflection: options.reflection,
  });

  // TLS is the listener's: what it hands over is already decrypted.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const { host, port, tls, log } = options;
  const listener = await openListener({ host, port, tls, log }, certificates, injector.injectConnection);

  return {
    port: listener.port,
    setServing: publicServices.setServing,
    drain: async (graceMs) => {
      publicServices.setServing(false);
      publicServices.end();
      const closed = listener.close();
      server.tryShutdown(() => {}); // GOAWAY to all; the sockets tell when they are done
      const cut = setTimeout(() => {
        server.forceShutdown();
        listener.cut();
      }, graceMs);
      await closed;
      clearTimeout(cut);
    },
  };
};

const addRoutes = (server: Server, all: readonly GrpcRoute[], context: UnaryContext): void => {
  for (const [service, routes] of Map.groupBy(all, (route) => route.service)) {
    const definition: ServiceDefinition = Object.fromEntries(
      routes.map((route) => [
        route.method.name,
        {
          path: `/${service}/${route.method.name}`,
          requestStream: false,
          responseStream: false,
          requestSerialize: unused,
          requestDeserialize: decodeRequest(route),
          responseSerialize: (bytes: Buffer) => bytes,
          responseDeserialize: unused,
        },
      ]),
    );
    server.addService(
      definition,
      Object.fromEntries(routes.map((route) => [route.method.name, unaryHandler(route, context)])),
    );
  }
};

/** A service definition also describes the client's half. */
const unused = (): never => {
  throw new Error("a server neither writes requests nor reads responses");
};
