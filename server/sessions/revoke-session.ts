/** Ends a session, with every code, access token and refresh token that came of it. */
import { fault, isFault } from "../../core/faults.ts";
import { id, strict } from "../operations/fields.ts";
import { operation } from "../operations/operation.ts";
import { endSession } from "./end-session.ts";
import { atSession, knownSession } from "./get-session.ts";
import { render, sessionOutput } from "./operation-model.ts";

export const revokeSession = operation({
  name: "sessions.revoke",
  summary: "End a session and every token that came of it",
  kind: "change",
  method: "POST",
  path: "/v1/sessions/{id}:revoke",
  status: 200,
  input: strict({ id }),
  output: sessionOutput,
  permission: "sessions:revoke",
  scope: "tenant",
  target: atSession,
  event: (session) => ({
    type: "session.ended",
    subject: session.resource,
    data: { user: session.user, reason: "administrator" },
  }),
  run: async (tx, input, { now }) => {
    const session = await knownSession(tx, input.id);
    if (isFault(session)) return session;
    if (!(await endSession(tx, session.id, { reason: "administrator", now, byOperation: true })))
      return fault("illegal_transition", "the session has ended already");
    const after = await knownSession(tx, input.id);
    return isFault(after) ? after : render(after, now);
  },
});
