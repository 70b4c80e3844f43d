/** Deletes an application: its secrets, and every token it was given, are dead when the answer is sent. Its client_id is never used again. */
import { isFault } from "../../core/faults.ts";
import { expectRevision, overtaken } from "../operations/etag.ts";
import { id, strict } from "../operations/fields.ts";
import { operation } from "../operations/operation.ts";
import { endApplication } from "./end-application.ts";
import { atApplication, knownApplication } from "./find.ts";
import { applicationOutput, render } from "./output.ts";

export const deleteApplication = operation({
  name: "applications.delete",
  summary: "Delete an application and every token it was given",
  kind: "change",
  method: "DELETE",
  path: "/v1/applications/{id}",
  status: 200,
  input: strict({ id }),
  output: applicationOutput,
  permission: "applications:delete",
  scope: "tenant",
  target: atApplication,
  event: (application) => ({
    type: "application.deleted",
    subject: application.resource,
    data: { client_id: application.client_id },
  }),
  run: async (tx, input, { model, now, ifMatch }) => {
    const application = await knownApplication(tx, input.id);
    if (isFault(application)) return application;
    const expected = expectRevision(ifMatch, application.revision, "optional");
    if (isFault(expected)) return expected;
    return (await endApplication(tx, application, now)) ? render(model, application) : overtaken();
  },
});
