/**
 * Suspends a user, and resumes it. Suspended, the human is refused everywhere at once: at home, and in every other tenant it is a member
 * of, whose cached answers go stale too (invariant 7). The last at home who can assign roles is not suspended by the home's own; what another
 * tenant makes of its member's being gone is that tenant's matter, and never a reason to leave somebody in.
 */
import { formatRef } from "../../../core/ids.ts";
import { isFault } from "../../../core/faults.ts";
import { keepingAssignerFrom } from "../../authority/keep-assigner.ts";
import { expectRevision, overtaken } from "../../operations/etag.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { principalVersion } from "../../platform/cache/fresh-cache.ts";
import { tenantsOf } from "../memberships/store.ts";
import { atUser, knownUser } from "./find.ts";
import { render, stateAfter, userOutput } from "./model.ts";
import { updateUser } from "./store.ts";

const transition = (verb: "suspend" | "resume", participle: "suspended" | "resumed", summary: string) =>
  operation({
    name: `users.${verb}`,
    summary,
    kind: "change",
    method: "POST",
    path: `/v1/users/{id}:${verb}`,
    status: 200,
    input: strict({ id }),
    output: userOutput,
    permission: "users:suspend",
    scope: "tenant",
    target: atUser,
    impact: ({ id: user }) => [{ beneficiary: formatRef("users", user) }],
    event: (user) => ({
      type: `user.${participle}`,
      subject: user.resource,
      data: { parent: user.parent, state: user.state },
    }),
    run: (tx, input, context) =>
      keepingAssignerFrom(tx, context, async () => {
        const { model, now, ifMatch } = context;
        const user = await knownUser(tx, input.id);
        if (isFault(user)) return user;
        const next = stateAfter(verb, user.state);
        if (isFault(next)) return next;
        const expected = expectRevision(ifMatch, user.revision, "optional");
        if (isFault(expected)) return expected;
        if (!(await updateUser(tx, user.id, expected.revision, next, new Date(now)))) return overtaken();
        // Read after the change, for the reason given at `holdUser`.
        const tenants = await tenantsOf(tx, user.id);
        tx.touch(...new Set([user.tenant, ...tenants]).values().map((tenant) => principalVersion(tenant, user.id)));
        const after = await knownUser(tx, input.id);
        return isFault(after) ? after : render(model, after);
      }),
  });

export const suspendUser = transition("suspend", "suspended", "Suspend a user and every session and token of theirs");
export const resumeUser = transition("resume", "resumed", "Resume a suspended user");
