/**
 * Signs a user out everywhere: every session ends, and every token family with it, those included that outlive sessions. What the user may
 * do stays as it is.
 */
import Type from "typebox";
import { isFault } from "../../core/faults.ts";
import { formatRef } from "../../core/ids.ts";
import { id, ref, strict } from "../operations/fields.ts";
import { operation } from "../operations/operation.ts";
import { atUser, knownUser } from "../principals/users/find.ts";
import { collection as users } from "../principals/users/model.ts";
import { endAllOf } from "./end-session.ts";
import { collection } from "./operation-model.ts";

export const signOutUser = operation({
  name: "users.signOut",
  summary: "End every session and token of a user",
  kind: "change",
  method: "POST",
  path: "/v1/users/{id}:signOut",
  status: 200,
  input: strict({ id }),
  output: strict({
    id,
    resource: ref("users/{uuid}"),
    ended_sessions: Type.Array(ref("sessions/{uuid}"), { description: "what has ended" }),
  }),
  permission: "sessions:revoke",
  scope: "tenant",
  target: atUser,
  event: ({ resource, ended_sessions }) => [
    { type: "user.signed-out", subject: resource, data: { ended_sessions: ended_sessions.length } },
    ...ended_sessions.map((session) => ({
      type: "session.ended",
      subject: session,
      data: { user: resource, reason: "administrator" },
    })),
  ],
  run: async (tx, input, { now }) => {
    const user = await knownUser(tx, input.id);
    if (isFault(user)) return user;
    const ending = { reason: "administrator", now, offline: true, byOperation: true } as const;
    const ended = await endAllOf(tx, user.id, ending);
    return {
      id: user.id,
      resource: formatRef(users, user.id),
      ended_sessions: ended.map((session) => formatRef(collection, session)),
    };
  },
});
