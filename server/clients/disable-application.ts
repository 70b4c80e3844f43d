/**
 * Turns an application off, and on again. Off, it cannot prove itself, nobody is sent to it, and all it was given has ended: on again, it
 * sends people to sign in anew.
 */
import { fault, isFault } from "../../core/faults.ts";
import { expectRevision, overtaken } from "../operations/etag.ts";
import { id, strict } from "../operations/fields.ts";
import { operation } from "../operations/operation.ts";
import { atApplication, beyondVouching, knownApplication } from "./find.ts";
import { applicationOutput, render } from "./output.ts";
import { endAllGrants, updateApplication } from "./store.ts";

const transition = (verb: "disable" | "enable", to: "disabled" | "active", summary: string) =>
  operation({
    name: `applications.${verb}`,
    summary,
    kind: "change",
    method: "POST",
    path: `/v1/applications/{id}:${verb}`,
    status: 200,
    input: strict({ id }),
    output: applicationOutput,
    permission: "applications:update",
    scope: "tenant",
    target: atApplication,
    event: (application) => ({
      type: `application.${verb}d`,
      subject: application.resource,
      data: { client_id: application.client_id },
    }),
    run: async (tx, input, context) => {
      const { model, now, ifMatch } = context;
      const application = await knownApplication(tx, input.id);
      if (isFault(application)) return application;
      if (application.state === to) return fault("illegal_transition", `the application is ${to} already`);
      const beyond = to === "active" && application.firstParty ? await beyondVouching(tx, context) : undefined;
      if (beyond !== undefined) return beyond;
      const expected = expectRevision(ifMatch, application.revision, "optional");
      if (isFault(expected)) return expected;
      const at = new Date(now);
      if (!(await updateApplication(tx, application.id, expected.revision, { state: to }, at))) return overtaken();
      if (to === "disabled") await endAllGrants(tx, application.id, "client_disabled", at);
      const after = await knownApplication(tx, input.id);
      return isFault(after) ? after : render(model, after);
    },
  });

export const disableApplication = transition(
  "disable",
  "disabled",
  "Disable an application and every token it was given",
);
export const enableApplication = transition("enable", "active", "Enable a disabled application");
