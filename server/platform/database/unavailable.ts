/**
 * Tells a database that could not be asked from a question that was wrong. The first is the weather, and answered 503;
 * the second is a bug, and answered 500.
 */
import { DatabaseError } from "pg";

/**
 * The database could not be asked, or its answer was lost on the way: what was under way may or may not have happened.
 */
export type DatabaseUnavailable = Error & { readonly name: "DatabaseUnavailable" };

/** The reason is for the log and for operators; it names no password. The cause is what the driver threw. */
export const databaseUnavailable = (reason: string, cause?: unknown): DatabaseUnavailable => {
  const error = new Error(reason, cause === undefined ? {} : { cause });
  return Object.assign(error, { name: "DatabaseUnavailable" as const });
};

/** Whether to answer 503 and let the caller try again. */
export const isUnavailable = (error: unknown): error is DatabaseUnavailable =>
  error instanceof Error && error.name === "DatabaseUnavailable";

/** SQLSTATE or system error code of anything thrown, or of the first error inside an AggregateError; else empty. */
export const codeOf = (error: unknown): string => {
  if (typeof error !== "object" || error === null) return "";
  if ("code" in error && typeof error.code === "string") return error.code;
  return "errors" in error && Array.isArray(error.errors) ? codeOf(error.errors[0]) : "";
};

/**
 * SQLSTATEs that say "not now" (PostgreSQL, appendix A): connection exceptions, insufficient resources, operator
 * intervention (a shutdown, a statement that ran out of time), a transaction left idle, and a primary that has become a
 * standby.
 */
const passing = /^(?:08...|53...|57...|25P03|25006)$/;

/** The network's own codes, from the socket, the resolver or TLS. */
const network = /^(?:E[A-Z]{3,}|ERR_(?:SSL|TLS)_\w+|\w*CERT\w*|UNABLE_TO_\w+)$/;

/** What `pg` and its pool say of a connection without giving it a code. */
const driver =
  /^(?:Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end)/;

/** Whether what the driver threw speaks of the connection or the server's state, and not of the statement. */
export const isConnectionTrouble = (error: unknown): boolean => {
  const code = codeOf(error);
  if (code !== "") return passing.test(code) || network.test(code);
  return error instanceof Error && driver.test(error.message);
};

/**
 * Whether PostgreSQL itself refused the statement, on a connection that goes on. Where the driver choked instead (a
 * value it could not write), the connection and what `pg` believes of it may be out of step: close it.
 */
export const isServerRefusal = (error: unknown): boolean =>
  error instanceof DatabaseError && !isConnectionTrouble(error);

/** Whether the driver refused before it had sent anything, so that asking again asks once. */
export const isUnsent = (error: unknown): boolean =>
  error instanceof Error && error.message.endsWith("is not queryable") && codeOf(error) === "";

/** What was thrown, as `DatabaseUnavailable` where it is that. */
export const asUnavailable = (error: unknown): unknown =>
  isConnectionTrouble(error)
    ? databaseUnavailable(
        `the database could not be asked: ${error instanceof Error ? error.message : "no reason given"}`,
        error,
      )
    : error;
