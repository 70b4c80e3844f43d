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

/** Writes entries that belong to no larger change, durably, in one statement. */
export const appendMany = async (database: Database, entries: readonly AuditEntry[]): Promise<void> => {
  await database.statement("audit.append", append, [JSON.stringify(entries.map(entryRow))]);
};
