/** The SQL that lists the audit log. Writing to it is `audit/store.ts`. */
import type { Result } from "../../core/faults.ts";
import type { TenantId } from "../../core/ids.ts";
import { type Listing, type ListRequest, listPage, type Page, type Paging } from "../operations/listing/list-page.ts";
import type { Tx } from "../platform/database/database.ts";

export type AuditRow = {
  id: string;
  time: Date;
  action: string;
  outcome: "done" | "denied" | "failed";
  authenticated_principal: string | null;
  subject: string | null;
  actor: unknown;
  actor_of_record: string | null;
  approvers: readonly string[] | null;
  identity_source: string | null;
  credential: string | null;
  client_id: string | null;
  session_id: string | null;
  request_id: string | null;
  trace_id: string | null;
  target: string | null;
  target_path: readonly string[] | null;
  permission: string | null;
  bypass: boolean;
  because: unknown;
  detail: unknown;
};

type Tables = { audit_entries: AuditRow & { tenant_id: TenantId } };

const columns = [
  "id",
  "time",
  "action",
  "outcome",
  "authenticated_principal",
  "subject",
  "actor",
  "actor_of_record",
  "approvers",
  "identity_source",
  "credential",
  "client_id",
  "session_id",
  "request_id",
  "trace_id",
  "target",
  "target_path",
  "permission",
  "bypass",
  "because",
  "detail",
] as const;

const listing = {
  fields: {
    time: { column: "time", type: "time" },
    action: { column: "action", type: "text" },
    outcome: { column: "outcome", type: "text" },
    authenticated_principal: { column: "authenticated_principal", type: "text" },
    subject: { column: "subject", type: "text" },
    actor_of_record: { column: "actor_of_record", type: "text" },
    credential: { column: "credential", type: "text" },
    client_id: { column: "client_id", type: "text" },
    request_id: { column: "request_id", type: "text" },
    target: { column: "target", type: "text" },
    target_path: { column: "target_path", type: "json_array" },
    permission: { column: "permission", type: "text" },
    bypass: { column: "bypass", type: "boolean" },
  },
  order: { time: "time", id: "id", newestFirst: true },
} as const satisfies Listing;

export const listEntries = (tx: Tx, request: ListRequest, paging: Paging): Promise<Result<Page<AuditRow>>> =>
  listPage(
    tx.kysely<Tables>().selectFrom("audit_entries").select(columns).where("tenant_id", "=", tx.tenant),
    listing,
    request,
    paging,
  );
