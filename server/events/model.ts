/** A domain event, in the CloudEvents 1.0 envelope: written with the change, delivered at least once, ordered within its tenant. */
import type { Attribution } from "../../core/attribution.ts";
import type { TenantId } from "../../core/ids.ts";

/** What a use case says has happened. The type is completed to `countersign.{type}.v1`. */
export type NewEvent = {
  /** `{noun}.{past participle}`, e.g. `user.created`. */
  readonly type: string;
  /** Ref of what it happened to. */
  readonly subject: string;
  readonly data: Readonly<Record<string, unknown>>;
};

/**
 * CloudEvents 1.0 §3, structured mode, with the extension `tenantid` and the stream position as `sequence`. `data.attribution` says who
 * stands behind it (invariant 9); an extension could not, as its values are plain text (§3.1).
 */
export type CloudEvent = {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: "application/json";
  readonly tenantid: string;
  readonly sequence: string;
  readonly data: unknown;
};

export type PlacedEvent = {
  readonly tenant: TenantId;
  readonly id: string;
  readonly position: number;
  readonly type: string;
  readonly subject: string;
  readonly time: Date;
  readonly data: unknown;
  readonly attribution: Attribution;
};

export const cloudEvent = (issuer: string, event: PlacedEvent): CloudEvent => ({
  specversion: "1.0",
  id: event.id,
  source: issuer,
  type: event.type,
  subject: event.subject,
  time: event.time.toISOString(),
  datacontenttype: "application/json",
  tenantid: event.tenant,
  sequence: String(event.position),
  data: { ...(event.data as object), attribution: event.attribution },
});
