/**
 * The standard services anybody may call: health (grpc.health.v1) for load balancers, and reflection (grpc.reflection.v1, v1alpha) for
 * tools such as grpcurl. Their streams end with a drain, which a health watch would otherwise hold up for its whole grace.
 */
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Server,
  type ServerDuplexStream,
  type ServerWritableStream,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { AnyDefinition } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { service as healthDefinition } from "grpc-health-check";
import { fileDescriptors } from "./generated/identity/v1/identity.ts";
import { type GrpcPolicy, isPolicy } from "./routes.ts";

type PublicService = {
  readonly policy: GrpcPolicy;
  addTo(server: Pick<Server, "addService">): void;
};

export type PublicServices = {
  /** Tells whoever asks or watches whether to send calls here. */
  setServing(serving: boolean): void;
  /** Ends the open watches and reflection streams. */
  end(): void;
};

type Stream = ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>;

/** Nobody authenticates here, so what they can hold open together is bounded. */
const streams_max = 1_000;

/** Adds health, and reflection where it is wanted, to the server. `names` are the services whose health is told; `""` is the server. */
export const addPublicServices = (
  server: Server,
  { names, reflection }: { names: readonly string[]; reflection: boolean },
): PublicServices => {
  const health = openHealth(["", ...names]);
  const streams = new Set<Stream>();
  const tracked = {
    addService: (definition: ServiceDefinition, handlers: UntypedServiceImplementation) =>
      server.addService(definition, bounded(definition, handlers, streams)),
  };

  const services: readonly PublicService[] = [health.service, ...(reflection ? [reflectionService] : [])];
  for (const service of services) {
    if (!isPolicy(service.policy)) throw new Error("a gRPC service has no policy");
    service.addTo(tracked);
  }
  return { setServing: health.setServing, end: () => streams.forEach((stream) => stream.end()) };
};

/** The same handlers, where streams are counted and can be ended. */
const bounded = (
  definition: ServiceDefinition,
  handlers: UntypedServiceImplementation,
  streams: Set<Stream>,
): UntypedServiceImplementation =>
  Object.fromEntries(
    Object.entries(handlers).map(([name, handler]) => {
      const method = Object.entries(definition).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
      if (method?.responseStream !== true) return [name, handler];
      const open = handler as (stream: Stream) => void;
      return [
        name,
        (stream: Stream) => {
          if (streams.size >= streams_max) {
            stream.emit("error", { code: status.RESOURCE_EXHAUSTED, details: "too many open streams" });
            return;
          }
          streams.add(stream);
          stream.once("cancelled", () => streams.delete(stream)); // grpc-js says so at every stream's end
          open(stream);
        },
      ];
    }),
  );

type HealthRequest = { readonly service: string };
type HealthStatus = { readonly status: "SERVING" | "NOT_SERVING" | "SERVICE_UNKNOWN" };

/**
 * The health protocol over grpc-health-check's definition. Its implementation is not used: it keeps an entry for every name ever watched,
 * and anybody may watch any name.
 */
const openHealth = (names: readonly string[]) => {
  let serving = true;
  const watchers = new Set<ServerWritableStream<HealthRequest, HealthStatus>>();
  const current = (): HealthStatus => ({ status: serving ? "SERVING" : "NOT_SERVING" });

  const check: handleUnaryCall<HealthRequest, HealthStatus> = (call, callback) =>
    names.includes(call.request.service)
      ? callback(null, current())
      : callback({ code: status.NOT_FOUND, details: "the service is unknown" });
  const watch: handleServerStreamingCall<HealthRequest, HealthStatus> = (call) => {
    if (!names.includes(call.request.service)) {
      call.write({ status: "SERVICE_UNKNOWN" });
      return;
    }
    watchers.add(call);
    call.once("cancelled", () => watchers.delete(call));
    call.write(current());
  };
  const list: handleUnaryCall<object, { statuses: Record<string, HealthStatus> }> = (_, callback) =>
    callback(null, { statuses: Object.fromEntries(names.map((name) => [name, current()])) });

  const service: PublicService = {
    policy: { public: "load balancers ask before they can hold a credential, and learn nothing but up or down" },
    addTo: (server) => server.addService(healthDefinition, { check, watch, list }),
  };
  return {
    service,
    setServing: (now: boolean): void => {
      if (now === serving) return;
      serving = now;
      watchers.forEach((watcher) => watcher.write(current()));
    },
  };
};

// The one kind of definition that needs no codecs.
const compiledFiles: AnyDefinition = {
  format: "Protocol Buffer 3 EnumDescriptorProto",
  type: {},
  fileDescriptorProtos: fileDescriptors.map((text) => Buffer.from(text, "base64")),
};

const reflectionService: PublicService = {
  policy: { public: "it shows the published .proto files, and no data" },
  // Only the descriptors of a package definition are read; ours are the compiler's own.
  addTo: (server) => new ReflectionService({ compiled: compiledFiles }).addToServer(server),
};
