/**
 * Expected failures, as values from one table that fixes the problem `code`, the HTTP status, the gRPC status and the OAuth error
 * together. Bugs throw; faults are returned, so that a transaction that ends in one still commits (invariant 4).
 */

/** gRPC status numbers (google.rpc.Code), named so that no transport invents its own mapping. */
const grpc = {
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

type Row = { readonly status: number; readonly grpc: number; readonly oauth?: string; readonly title: string };

/** The one table of faults. `oauth` is the RFC 6749/6750/… error code where the fault can be an OAuth answer. */
export const faults = {
  // requests
  invalid_argument: {
    status: 400,
    grpc: grpc.invalidArgument,
    oauth: "invalid_request",
    title: "The request is malformed",
  },
  unauthenticated: { status: 401, grpc: grpc.unauthenticated, title: "The request carries no credentials" },
  invalid_token: {
    status: 401,
    grpc: grpc.unauthenticated,
    oauth: "invalid_token",
    title: "The token is not accepted",
  },
  permission_denied: { status: 403, grpc: grpc.permissionDenied, title: "A permission is missing" },
  insufficient_scope: {
    status: 403,
    grpc: grpc.permissionDenied,
    oauth: "insufficient_scope",
    title: "The token's scopes do not reach this",
  },
  invalid_credentials: {
    status: 403,
    grpc: grpc.unauthenticated,
    oauth: "invalid_grant",
    title: "The sign-in is not accepted",
  },
  not_found: { status: 404, grpc: grpc.notFound, title: "There is no such resource" },
  method_not_allowed: { status: 405, grpc: grpc.invalidArgument, title: "The resource does not answer this method" },
  request_timeout: { status: 408, grpc: grpc.deadlineExceeded, title: "The request did not arrive in time" },
  already_exists: { status: 409, grpc: grpc.alreadyExists, title: "It exists already" },
  illegal_transition: { status: 409, grpc: grpc.failedPrecondition, title: "The resource's state does not allow this" },
  idempotency_conflict: { status: 409, grpc: grpc.aborted, title: "The idempotency key belongs to another request" },
  idempotency_in_flight: { status: 409, grpc: grpc.aborted, title: "The same request is still running" },
  consistency_unavailable: {
    status: 409,
    grpc: grpc.failedPrecondition,
    title: "No answer as recent as demanded can be given",
  },
  link_expired: {
    status: 410,
    grpc: grpc.failedPrecondition,
    title: "The link has been used, or has expired",
  },
  etag_mismatch: { status: 412, grpc: grpc.aborted, title: "The resource has changed" },
  payload_too_large: { status: 413, grpc: grpc.resourceExhausted, title: "The request is too large" },
  unsupported_media_type: { status: 415, grpc: grpc.invalidArgument, title: "The content type is not accepted" },
  not_admissible: {
    status: 422,
    grpc: grpc.failedPrecondition,
    title: "The request is understood, and not admissible",
  },
  precondition_required: { status: 428, grpc: grpc.failedPrecondition, title: "The request must carry a precondition" },
  rate_limited: { status: 429, grpc: grpc.resourceExhausted, title: "Too many requests" },
  headers_too_large: { status: 431, grpc: grpc.resourceExhausted, title: "The request's headers are too large" },
  internal: { status: 500, grpc: grpc.internal, oauth: "server_error", title: "Something broke on our side" },
  unavailable: {
    status: 503,
    grpc: grpc.unavailable,
    oauth: "temporarily_unavailable",
    title: "The server cannot answer now",
  },
  // OAuth
  invalid_client: {
    status: 401,
    grpc: grpc.unauthenticated,
    oauth: "invalid_client",
    title: "The client is not authenticated",
  },
  invalid_grant: {
    status: 400,
    grpc: grpc.unauthenticated,
    oauth: "invalid_grant",
    title: "The grant is not accepted",
  },
  invalid_scope: {
    status: 400,
    grpc: grpc.invalidArgument,
    oauth: "invalid_scope",
    title: "The scope is not accepted",
  },
  invalid_target: {
    status: 400,
    grpc: grpc.invalidArgument,
    oauth: "invalid_target",
    title: "The resource is not accepted",
  },
  unauthorized_client: {
    status: 400,
    grpc: grpc.permissionDenied,
    oauth: "unauthorized_client",
    title: "The client may not use this grant",
  },
  unsupported_grant_type: {
    status: 400,
    grpc: grpc.invalidArgument,
    oauth: "unsupported_grant_type",
    title: "The grant type is unknown",
  },
  invalid_authorization_details: {
    status: 400,
    grpc: grpc.invalidArgument,
    oauth: "invalid_authorization_details",
    title: "The authorization details are not accepted",
  },
  // RFC 9449: at the authorization server a bad proof is a bad request; where a token is used it is a failed authentication
  invalid_dpop_proof: {
    status: 400,
    grpc: grpc.invalidArgument,
    oauth: "invalid_dpop_proof",
    title: "The DPoP proof is not accepted",
  },
  use_dpop_nonce: {
    status: 400,
    grpc: grpc.invalidArgument,
    oauth: "use_dpop_nonce",
    title: "The DPoP proof needs our nonce",
  },
  unproven_token: {
    status: 401,
    grpc: grpc.unauthenticated,
    oauth: "invalid_dpop_proof",
    title: "The DPoP proof is not accepted",
  },
  unproven_token_nonce: {
    status: 401,
    grpc: grpc.unauthenticated,
    oauth: "use_dpop_nonce",
    title: "The DPoP proof needs our nonce",
  },
  // RFC 9449 §7.1: a token whose key does not match, or one that is bound to no key, under the DPoP scheme
  invalid_bound_token: {
    status: 401,
    grpc: grpc.unauthenticated,
    oauth: "invalid_token",
    title: "The token is not accepted",
  },
  // RFC 9470
  insufficient_user_authentication: {
    status: 401,
    grpc: grpc.unauthenticated,
    oauth: "insufficient_user_authentication",
    title: "A fresher or stronger sign-in is needed",
  },
  // RFC 8628 §3.5
  authorization_pending: {
    status: 400,
    grpc: grpc.failedPrecondition,
    oauth: "authorization_pending",
    title: "The human has not decided yet",
  },
  slow_down: {
    status: 400,
    grpc: grpc.resourceExhausted,
    oauth: "slow_down",
    title: "The device asks too often",
  },
  access_denied: {
    status: 400,
    grpc: grpc.permissionDenied,
    oauth: "access_denied",
    title: "The human said no",
  },
  expired_token: {
    status: 400,
    grpc: grpc.failedPrecondition,
    oauth: "expired_token",
    title: "The device code has expired",
  },
  invalid_redirect_uri: {
    status: 400,
    grpc: grpc.invalidArgument,
    oauth: "invalid_redirect_uri",
    title: "A redirect URI is not accepted",
  },
  invalid_client_metadata: {
    status: 400,
    grpc: grpc.invalidArgument,
    oauth: "invalid_client_metadata",
    title: "The client's metadata is not accepted",
  },
  // the authorization endpoint (RFC 6749 §4.1.2.1, RFC 9101 §6, OIDC Core §3.1.2.6, RFC 9470 §5): told to the client by redirect
  unsupported_response_type: {
    status: 400,
    grpc: grpc.invalidArgument,
    oauth: "unsupported_response_type",
    title: "The response type is unknown",
  },
  invalid_request_object: {
    status: 400,
    grpc: grpc.invalidArgument,
    oauth: "invalid_request_object",
    title: "The request object is not accepted",
  },
  invalid_request_uri: {
    status: 400,
    grpc: grpc.invalidArgument,
    oauth: "invalid_request_uri",
    title: "The request URI is not accepted",
  },
  request_uri_not_supported: {
    status: 400,
    grpc: grpc.invalidArgument,
    oauth: "request_uri_not_supported",
    title: "Request URIs of others are not fetched",
  },
  login_required: {
    status: 400,
    grpc: grpc.unauthenticated,
    oauth: "login_required",
    title: "The human has to sign in",
  },
  interaction_required: {
    status: 400,
    grpc: grpc.failedPrecondition,
    oauth: "interaction_required",
    title: "The human has to be asked something",
  },
  consent_required: {
    status: 400,
    grpc: grpc.failedPrecondition,
    oauth: "consent_required",
    title: "The human has to agree",
  },
  unmet_authentication_requirements: {
    status: 400,
    grpc: grpc.failedPrecondition,
    oauth: "unmet_authentication_requirements",
    title: "No sign-in here is as strong as what was asked for",
  },
} as const satisfies Record<string, Row>;

export type FaultCode = keyof typeof faults;

/** One thing wrong in a request: where (a JSON path, `$` for the whole), and what to do about it. */
export type FieldError = { readonly path: string; readonly message: string };

/**
 * An expected failure. `detail` is a sentence for the person who reads it: lower case, no full stop, user input in backticks.
 * `permission` names what was missing; `retryAfterSeconds` is sent where waiting helps.
 */
export type Fault = {
  readonly fault: FaultCode;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  readonly permission?: string;
  readonly retryAfterSeconds?: number;
  /** RFC 9470: the sign-in that would do. */
  readonly stepUp?: { readonly acr?: string; readonly maxAgeSeconds?: number };
};

export const fault = (code: FaultCode, detail: string, more: Omit<Fault, "fault" | "detail"> = {}): Fault => ({
  fault: code,
  detail,
  ...more,
});

/** A value, or the fault that stands in its place. */
export type Result<T> = T | Fault;

export const isFault = (value: unknown): value is Fault =>
  typeof value === "object" && value !== null && "fault" in value;
