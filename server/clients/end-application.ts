/** The end of an application, whoever ends it: an administrator, or the client itself (RFC 7592 §2.3). */
import type { Tx } from "../platform/database/database.ts";
import type { Application } from "./model.ts";
import { endAllGrants, endSecrets, updateApplication } from "./store.ts";

/** False where it has changed since it was read. `now` in ms since the epoch. */
export const endApplication = async (tx: Tx, application: Application, now: number): Promise<boolean> => {
  const at = new Date(now);
  if (!(await updateApplication(tx, application.id, application.revision, { state: "deleted" }, at))) return false;
  await endSecrets(tx, application.id, at);
  await endAllGrants(tx, application.id, "client_deleted", at);
  return true;
};
