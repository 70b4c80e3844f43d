/** An audit entry: who did what to what, on whose behalf, and why it was allowed or refused. Written once, never changed. */
import type { Attribution } from "../../core/attribution.ts";
import type { TenantId } from "../../core/ids.ts";

export type AuditEntry = {
  readonly tenant: TenantId;
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** An operation's name, or a protocol step such as `oauth.token`. */
  readonly action: string;
  readonly outcome: "done" | "denied" | "failed";
  readonly attribution: Attribution;
  /** Ref of what was acted on. */
  readonly target: string | null;
  /** Refs of the perimeters the target stands in, nearest first: the target account and client are among them. */
  readonly targetPath: readonly string[] | null;
  readonly permission: string | null;
  /** True where only a host role permitted it (invariant 9). */
  readonly bypass: boolean;
  /** The decision's reasons, as data. */
  readonly because: unknown;
  /** What else matters, never a secret. */
  readonly detail: Readonly<Record<string, unknown>> | null;
};
