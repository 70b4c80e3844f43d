/** The operations that read the record: what was done, and what has happened. */
import type { Operation } from "../operations/operation.ts";
import { listAuditEntries } from "./list-audit-entries.ts";
import { listEvents } from "./list-events.ts";

export const recordOperations: readonly Operation[] = [listEvents, listAuditEntries];
