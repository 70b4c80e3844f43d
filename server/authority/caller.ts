/** Who is calling: the outcome of authentication, and the only thing the rest of the server knows about the request's sender. */
import type { Attribution } from "../../core/attribution.ts";
import type { Facts } from "../../core/decide/types.ts";
import { hostTenant, type PrincipalId, type PrincipalKind, principalRef, type TenantId } from "../../core/ids.ts";
import type { PermissionSet } from "../../core/model/model.ts";

export type Principal = { readonly kind: PrincipalKind; readonly id: PrincipalId };

/** What was presented. `client_secret` and `certificate` prove a service itself; the others are tokens, which narrow. */
export type CredentialKind =
  | "client_secret"
  | "client_assertion"
  | "certificate"
  | "api_token"
  | "access_token"
  /** A browser's, at the server's own pages. */
  | "session";

export type Caller = {
  readonly principal: Principal;
  /** The tenant the credential is bound to; the host's for the deployment's own principals. */
  readonly tenant: TenantId;
  readonly credential: { readonly kind: CredentialKind; readonly id: string };
  readonly clientId: string | null;
  /** What the token may at most be used for; undefined where the credential does not narrow. */
  readonly scopes: PermissionSet | undefined;
  /** The principal's facts at the root of its own tenant. */
  readonly facts: Facts;
  /** With a human's access token: where and how the human signed in. */
  readonly human?: {
    readonly session: string | null;
    readonly identitySource: string;
    readonly acr: string | null;
    /** Seconds since the epoch. */
    readonly authTime: number | null;
  };
};

export const isHostCaller = (caller: Caller): boolean => caller.tenant === hostTenant;

/** A call for oneself: subject and actor of record are the principal, and nobody acts for anybody. */
export const attributionOf = (caller: Caller, requestId: string | null): Attribution => {
  const ref = principalRef(caller.principal.kind, caller.principal.id);
  return {
    authenticated_principal: ref,
    subject: ref,
    actor: null,
    actor_of_record: ref,
    approvers: null,
    identity_source: caller.principal.kind === "human" ? (caller.human?.identitySource ?? "platform") : null,
    credential: `${caller.credential.kind}/${caller.credential.id}`,
    client_id: caller.clientId,
    session_id: caller.human?.session ?? null,
    request_id: requestId,
    trace_id: null,
  };
};
