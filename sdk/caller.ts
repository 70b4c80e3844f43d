/**
 * Who is calling, verified: the only thing the rest of a service knows about a request's sender. Its names are those of the attribution
 * layers (authenticated principal, subject, actor), and of the claims they come from.
 */
import type { Attributes, Obligation } from "../core/decide/types.ts";
import type { Actor } from "../core/attribution.ts";
import type { PrincipalKind } from "../core/ids.ts";

export type Caller = {
  /**
   * The tenant this request acts in, a UUID: the one the token is bound to; for a principal of the host who named a tenant and was allowed
   * to act in it, that tenant. What a service stores and reads for this request is this tenant's, and no other's.
   */
  readonly tenant_id: string;
  /** Whether the principal belongs to the host, which stands above all tenants. */
  readonly host: boolean;
  /** Ref of whoever presented credentials: the actor of a delegated call, else the subject. `users/{uuid}` or `service-accounts/{uuid}`. */
  readonly principal: string;
  /** Ref of the token's `sub`: whose rights are used. */
  readonly subject: string;
  readonly kind: PrincipalKind;
  /** RFC 8693 `act`: who acts on the subject's behalf, with those who did before nested inside; null where nobody does. */
  readonly actor: Actor | null;
  /** What the token may at most be used for, as granted: `flows:read`, `flows:*`, `*`. */
  readonly scopes: readonly string[];
  /** The OAuth client the token was issued to; null for an API token, which has none. */
  readonly client_id: string | null;
  /** Who the token is meant for; one of them is this service. */
  readonly audience: readonly string[];
  /** RFC 9470, of a human's token: how strong the sign-in was, and when (seconds since the epoch). */
  readonly acr: string | null;
  readonly amr: readonly string[];
  readonly auth_time: number | null;
  readonly token: {
    /** The token's `jti`. */
    readonly id: string;
    /** Seconds since the epoch. */
    readonly expires_at: number;
    /** RFC 9449: the thumbprint of the key it is bound to, which was proven; null for a bearer token. */
    readonly bound_to: string | null;
  };
  /** Whether a super admin's rule, and nothing the tenant gave, let this request pass. False where nothing was asked. */
  readonly bypass: boolean;
  /** Why the decision point said yes; null on a route that asks for no permission. */
  readonly decision: Permit | null;
};

/** A yes, and the rule it rests on, as the decision point named it. */
export type Permit = { readonly permission: string; readonly resource: string; readonly because: Attributes };

export type { Actor, Attributes, Obligation };
