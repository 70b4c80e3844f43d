/** Reads one session of a user of this tenant. */
import { isFault, type Result } from "../../core/faults.ts";
import { formatRef } from "../../core/ids.ts";
import { id, strict } from "../operations/fields.ts";
import { operation, type Target } from "../operations/operation.ts";
import { noSuch } from "../operations/targets.ts";
import type { Tx } from "../platform/database/database.ts";
import { findListed } from "./list-store.ts";
import { collection, type ListedSession, render, sessionOutput } from "./operation-model.ts";

export const knownSession = async (tx: Tx, sessionId: string): Promise<Result<ListedSession>> =>
  (await findListed(tx, sessionId))?.session ?? noSuch(formatRef(collection, sessionId));

/** Decided where its user is managed. */
export const atSession = async (tx: Tx, input: { readonly id: string }): Promise<Result<Target>> => {
  const ref = formatRef(collection, input.id);
  const found = await findListed(tx, input.id);
  return found === undefined ? noSuch(ref) : { node: found.node, ref };
};

export const getSession = operation({
  name: "sessions.get",
  summary: "Read a session",
  kind: "read",
  method: "GET",
  path: "/v1/sessions/{id}",
  status: 200,
  input: strict({ id }),
  output: sessionOutput,
  permission: "sessions:read",
  scope: "tenant",
  target: atSession,
  run: async (tx, input, { now }) => {
    const session = await knownSession(tx, input.id);
    return isFault(session) ? session : render(session, now);
  },
});
