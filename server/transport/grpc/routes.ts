/**
 * The methods served, `identity.v1.Identity`'s and Envoy's `ext_authz`, as a table: which message goes in and out, who may call it, how large
 * it may be, and the function that answers. The functions are the application's; this file only says what they look like.
 */
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { Result } from "../../../core/faults.ts";
import {
  AuthorizationDefinition,
  type CheckRequest,
  type CheckResponse,
} from "./generated/envoy/service/auth/v3/external_auth.ts";
import {
  type BatchCheckPermissionsRequest,
  type BatchCheckPermissionsResponse,
  type CheckPermissionRequest,
  type CheckPermissionResponse,
  type ExplainPermissionRequest,
  type ExplainPermissionResponse,
  IdentityDefinition,
  type IntrospectTokenRequest,
  type IntrospectTokenResponse,
  type IssueTokenRequest,
  type IssueTokenResponse,
  type ListActionsRequest,
  type ListActionsResponse,
  type ListResourcesRequest,
  type ListResourcesResponse,
  type ListSubjectsRequest,
  type ListSubjectsResponse,
  type RegisterUserRequest,
  type RegisterUserResponse,
  type RevokeTokenRequest,
  type RevokeTokenResponse,
} from "./generated/identity/v1/identity.ts";
import type { PeerCertificate } from "./peer-certificate.ts";

/**
 * Who may call. `public` says why anybody may. `authenticated` calls are refused here when they carry neither `authorization` nor a
 * verified certificate; whether what they carry is good is the application's to decide.
 */
export type GrpcPolicy = { readonly public: string } | { readonly authenticated: true };

/** What surrounds a request. Nothing in it but `peerCertificate` is verified. */
export type GrpcCall = {
  /** The `authorization` metadata as sent, at most 16 KiB. */
  readonly authorization: string | undefined;
  /** The client certificate, verified against the configured authority when the connection was opened. */
  readonly peerCertificate: PeerCertificate | undefined;
  /** When the caller stops waiting: milliseconds since the epoch on the system's clock, or Infinity. */
  readonly deadlineMs: number;
  /** The caller's `x-request-id` where it is fit to be logged, else a new id. */
  readonly requestId: string;
  /** Aborted when the caller cancels, disconnects or runs out of time before the answer. */
  readonly signal: AbortSignal;
  /** The address the connection came from, without its port. */
  readonly remoteAddress: string;
  /** Says which change was made: the answer carries its consistency token, as `countersign-consistency` behind it. Undefined says nothing. */
  changed(consistency: string | undefined): void;
};

export type GrpcHandler<Request, Response> = (request: Request, call: GrpcCall) => Promise<Result<Response>>;

/** One function for each method of the service; the application provides them. */
export type IdentityHandlers = {
  readonly introspectToken: GrpcHandler<IntrospectTokenRequest, IntrospectTokenResponse>;
  readonly checkPermission: GrpcHandler<CheckPermissionRequest, CheckPermissionResponse>;
  readonly batchCheckPermissions: GrpcHandler<BatchCheckPermissionsRequest, BatchCheckPermissionsResponse>;
  readonly explainPermission: GrpcHandler<ExplainPermissionRequest, ExplainPermissionResponse>;
  readonly listResources: GrpcHandler<ListResourcesRequest, ListResourcesResponse>;
  readonly listSubjects: GrpcHandler<ListSubjectsRequest, ListSubjectsResponse>;
  readonly listActions: GrpcHandler<ListActionsRequest, ListActionsResponse>;
  readonly registerUser: GrpcHandler<RegisterUserRequest, RegisterUserResponse>;
  readonly issueToken: GrpcHandler<IssueTokenRequest, IssueTokenResponse>;
  readonly revokeToken: GrpcHandler<RevokeTokenRequest, RevokeTokenResponse>;
};

/** Envoy's question about a request that was sent to it. */
export type ExtAuthzHandlers = { readonly check: GrpcHandler<CheckRequest, CheckResponse> };

/** A method as the generated code describes it. */
export type GrpcMethod<Request = unknown, Response = unknown> = {
  readonly name: string;
  readonly requestType: { decode(bytes: Uint8Array): Request };
  readonly responseType: { encode(message: Response, writer: BinaryWriter): BinaryWriter };
};

/** `handle` is written as a method so that a table can hold routes of different messages. */
export type GrpcRoute<Request = unknown, Response = unknown> = {
  /** The full name of the service the method belongs to. */
  readonly service: string;
  readonly method: GrpcMethod<Request, Response>;
  readonly policy: GrpcPolicy;
  readonly requestBytesMax: number;
  handle(request: Request, call: GrpcCall): Promise<Result<Response>>;
};

const request_bytes_max = 64 * 1024;
/** A hundred checks, each with a token, want more room than one. */
export const batch_request_bytes_max = 256 * 1024;

const authenticated: GrpcPolicy = { authenticated: true };
const methods = IdentityDefinition.methods;
/** Complete where anything of it is served. */
const definitions = [IdentityDefinition, AuthorizationDefinition];

/** Inferred, so that method, message and handler must agree. */
const route = <Request, Response>(
  it: Omit<GrpcRoute<Request, Response>, "service">,
): Omit<GrpcRoute<Request, Response>, "service"> => it;

const ofService = (service: string, routes: readonly Omit<GrpcRoute, "service">[]): readonly GrpcRoute[] =>
  routes.map((one) => ({ ...one, service }));

/** The service, answered by `handlers`. */
export const identityRoutes = (handlers: IdentityHandlers): readonly GrpcRoute[] =>
  ofService(IdentityDefinition.fullName, [
    route({
      method: methods.introspectToken,
      policy: authenticated, // RFC 7662 §2.1: to prevent token scanning, the caller is authorized
      requestBytesMax: request_bytes_max,
      handle: handlers.introspectToken,
    }),
    route({
      method: methods.checkPermission,
      policy: authenticated,
      requestBytesMax: request_bytes_max,
      handle: handlers.checkPermission,
    }),
    route({
      method: methods.batchCheckPermissions,
      policy: authenticated,
      requestBytesMax: batch_request_bytes_max,
      handle: handlers.batchCheckPermissions,
    }),
    route({
      method: methods.explainPermission,
      policy: authenticated,
      requestBytesMax: request_bytes_max,
      handle: handlers.explainPermission,
    }),
    route({
      method: methods.listResources,
      policy: authenticated,
      requestBytesMax: request_bytes_max,
      handle: handlers.listResources,
    }),
    route({
      method: methods.listSubjects,
      policy: authenticated,
      requestBytesMax: request_bytes_max,
      handle: handlers.listSubjects,
    }),
    route({
      method: methods.listActions,
      policy: authenticated,
      requestBytesMax: request_bytes_max,
      handle: handlers.listActions,
    }),
    route({
      method: methods.registerUser,
      policy: authenticated,
      requestBytesMax: request_bytes_max,
      handle: handlers.registerUser,
    }),
    route({
      method: methods.issueToken,
      policy: { public: "the message carries the client's credentials, as at the OAuth token endpoint" },
      requestBytesMax: request_bytes_max,
      handle: handlers.issueToken,
    }),
    route({
      method: methods.revokeToken,
      policy: authenticated,
      requestBytesMax: request_bytes_max,
      handle: handlers.revokeToken,
    }),
  ]);

/** Envoy's `ext_authz`. What a gateway's caller sends it comes along as headers, so it wants the room of a batch. */
export const extAuthzRoutes = (handlers: ExtAuthzHandlers): readonly GrpcRoute[] =>
  ofService(AuthorizationDefinition.fullName, [
    route({
      method: AuthorizationDefinition.methods.check,
      policy: authenticated,
      requestBytesMax: batch_request_bytes_max,
      handle: handlers.check,
    }),
  ]);

/** What is wrong with a route table: a method without a route or with two, a route without a policy. Empty when all is well. */
export const routeProblems = (routes: readonly GrpcRoute[]): readonly string[] => [
  ...definitions
    .filter(
      ({ fullName }) => fullName === IdentityDefinition.fullName || routes.some((one) => one.service === fullName),
    )
    .flatMap(({ fullName, methods: served }) =>
      Object.values(served).flatMap(({ name }) => {
        const count = routes.filter((one) => one.service === fullName && one.method.name === name).length;
        return count === 1 ? [] : [`${name} has ${count} routes`];
      }),
    ),
  ...routes.flatMap(({ method, policy }) => (isPolicy(policy) ? [] : [`${method.name} has no policy`])),
];

/** The types say so already; a table built without them must not start either. */
export const isPolicy = (policy: unknown): policy is GrpcPolicy => {
  if (typeof policy !== "object" || policy === null) return false;
  if ("public" in policy) return typeof policy.public === "string" && policy.public.length > 0;
  return "authenticated" in policy && policy.authenticated === true;
};
