/** The SQL of the audit log: append, and nothing else. */
import type { Database, Tx } from "../platform/database/database.ts";
import type { AuditEntry } from "./model.ts";

/** In the order of the columns that `append_audit_entries` reads. */
export const entryRow = (entry: AuditEntry): readonly unknown[] => {
  const who = entry.attribution;
  return [
    entry.tenant,
    entry.id,
    entry.time,
    entry.action,
    entry.outcome,
    who.authenticated_principal,
    who.subject,
    who.actor,
    who.actor_of_record,
    who.approvers,
    who.identity_source,
    who.credential,
    who.client_id,
    who.session_id,
    who.request_id,
    who.trace_id,
    entry.target,
    entry.targetPath,
    entry.permission,
    entry.bypass,
    entry.because,
    entry.detail,
  ];
};

const append = "select append_audit_entries($1::jsonb)";

/** Writes the entry inside the change's own transaction (invariant 4). */
export const appendInTransaction = async (tx: Tx, entry: AuditEntry): Promise<void> => {
  await tx.query("audit.append", append, [JSON.stringify([entryRow(entry)])]);
};

/**
 * The same, and says which transaction it was: the number whoever must see this change may ask for (a consistency token of the kind `w`).
 * It costs nothing more, as writing gives a transaction its number anyway.
 */
export const appendAndNumber = async (tx: Tx, entry: AuditEntry): Promise<string> => {
  const rows = await tx.query<{ xid: string }>(
    "audit.append_and_number",
    "select append_audit_entries($1::jsonb), pg_current_xact_id()::text as xid",
    [JSON.stringify([entryRow(entry)])],
  );
  return rows[0]?.xid ?? "";
};

/** Writes entries that belong to no larger change, durably, in one statement. */
export const appendMany = async (database: Database, entries: readonly AuditEntry[]): Promise<void> => {
  await database.statement("audit.append", append, [JSON.stringify(entries.map(entryRow))]);
};
