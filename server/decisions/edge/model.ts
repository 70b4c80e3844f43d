/**
 * A gateway's question, whatever protocol it came by: somebody sent this request to me, may it pass? Envoy asks by gRPC (`ext_authz`), nginx,
 * Caddy and Traefik by a sub-request (forward-auth).
 *
 * Three parties are in it, and none is taken for another: the gateway, by a credential of its own; whoever sent the request, by the token in
 * it; and the request itself, which says nothing that is believed, except what the authenticated gateway has written down about it.
 */
import type { Fault, Result } from "../../../core/faults.ts";
import type { TenantId } from "../../../core/ids.ts";
import type { Hops } from "../../platform/web/address.ts";
import type { Presented } from "../../tokens/presented.ts";
import type { Deciding } from "../check.ts";
import type { RequestTarget, SentRequest } from "./request-target.ts";
import type { RouteTable } from "./route-table.ts";

export type EdgeQuestion = {
  /** The credential the gateway showed, or why it has shown none. */
  readonly gateway: Result<Presented>;
  /** The request, or why the gateway's account of it cannot be relied on. */
  readonly sent: Result<SentRequest>;
  /** A rule that the gateway brings along, by its fields' names; undefined where the configured routes decide. */
  readonly rule: Readonly<Record<string, string>> | undefined;
};

/** RFC 9449: checks a proof for the request that was sent to the gateway, and answers with the key that was proven. */
export type Prove = (
  target: RequestTarget,
  proof: string,
  token: { readonly text: string; readonly tenant: TenantId },
) => Promise<Result<{ readonly jkt: string } | undefined>>;

export type Edge = Deciding & {
  readonly gatewayRoutes: RouteTable;
  /** The client among a request's hops: the first that is none of our own proxies. */
  readonly clientAt: Hops;
  readonly prove: Prove;
};

/** Whom the request stands for, as the service behind the gateway is told. */
export type Identity = {
  /** UUID. */
  readonly tenant: string;
  /** Ref of who presented credentials: the actor where there is one, else the subject. */
  readonly principal: string;
  /** Ref of whom the token is about. */
  readonly subject: string;
  /** Ref of who acts for the subject (RFC 8693); undefined where nobody does. */
  readonly actor: string | undefined;
  readonly scopes: readonly string[];
};

export type EdgeAnswer =
  /** Without an identity on a public route. */
  | { readonly at: "permit"; readonly identity: Identity | undefined }
  /** For whoever sent the request: 401 with a challenge, or 403. */
  | { readonly at: "refuse"; readonly failure: Fault }
  /** For the gateway, which may not ask. */
  | { readonly at: "gateway"; readonly failure: Fault };
