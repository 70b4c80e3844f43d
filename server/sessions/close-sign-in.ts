/**
 * Makes a user one who never signs in, from now on: an enterprise-driven user of seed 003, who is a human of record and has no way in. Every
 * session ends, every token family, every link under way and the API tokens of the home; those of other tenants are refused for as long as it
 * is so. What the user may do stays as it is, and so does what proves them: it opens nothing.
 *
 * Nobody is left in charge who cannot come in: the last who can assign roles in the tenant stays one who signs in.
 */
import Type from "typebox";
import { fault, isFault } from "../../core/faults.ts";
import { formatRef } from "../../core/ids.ts";
import { revokeTokensOf } from "../authority/endings-store.ts";
import { keepingAssignerFrom } from "../authority/keep-assigner.ts";
import { endMailLinks } from "../credentials/mail-links/mail-links.ts";
import { tokenRef } from "../credentials/model.ts";
import { expectRevision, overtaken } from "../operations/etag.ts";
import { id, ref, strict } from "../operations/fields.ts";
import { operation } from "../operations/operation.ts";
import { atUser, knownUser } from "../principals/users/find.ts";
import { render, userOutput } from "../principals/users/model.ts";
import { updateUser } from "../principals/users/store.ts";
import { endAllOf } from "./end-session.ts";
import { collection } from "./operation-model.ts";

const reason = "sign_in_closed";

export const closeSignIn = operation({
  name: "users.closeSignIn",
  summary: "Make a user one who never signs in, and end every session and token of theirs",
  kind: "change",
  method: "POST",
  path: "/v1/users/{id}:closeSignIn",
  status: 200,
  input: strict({ id }),
  output: strict({
    ...userOutput.properties,
    ended_sessions: Type.Array(ref("sessions/{uuid}"), { description: "what has ended" }),
    revoked_api_tokens: Type.Array(ref("api-tokens/{uuid}")),
  }),
  permission: "users:suspend",
  scope: "tenant",
  target: atUser,
  event: ({ resource, parent, ended_sessions, revoked_api_tokens }) => [
    { type: "user.sign-in-closed", subject: resource, data: { parent } },
    ...ended_sessions.map((session) => ({
      type: "session.ended",
      subject: session,
      data: { user: resource, reason },
    })),
    ...revoked_api_tokens.map((token) => ({
      type: "token.revoked",
      subject: token,
      data: { token, owner: resource, reason },
    })),
  ],
  run: (tx, input, context) =>
    keepingAssignerFrom(tx, context, async () => {
      const { model, now, ifMatch } = context;
      const user = await knownUser(tx, input.id);
      if (isFault(user)) return user;
      if (!user.signsIn) return fault("illegal_transition", "the user does not sign in already");
      const expected = expectRevision(ifMatch, user.revision, "optional");
      if (isFault(expected)) return expected;
      const at = new Date(now);
      // First: what is begun after it finds the user as they are now, and what was begun before is ended below.
      if (!(await updateUser(tx, user.id, expected.revision, { signs_in: false }, at))) return overtaken();
      const ended = await endAllOf(tx, user.id, { reason, now, offline: true, byOperation: true });
      for (const purpose of ["reset_password", "verify_email"] as const)
        await endMailLinks(tx, { home: tx.tenant, user: user.id }, purpose, now);
      const tokens = await revokeTokensOf(tx, user.id, at);
      const after = await knownUser(tx, input.id);
      if (isFault(after)) return after;
      return {
        ...render(model, after),
        ended_sessions: ended.map((session) => formatRef(collection, session)),
        revoked_api_tokens: tokens.map(tokenRef),
      };
    }),
});
