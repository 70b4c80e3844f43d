/** Reads one application. Its secrets are never in the answer. */
import { isFault } from "../../core/faults.ts";
import { id, strict } from "../operations/fields.ts";
import { operation } from "../operations/operation.ts";
import { atApplication, knownApplication } from "./find.ts";
import { applicationOutput, render } from "./output.ts";

export const getApplication = operation({
  name: "applications.get",
  summary: "Read an application",
  kind: "read",
  method: "GET",
  path: "/v1/applications/{id}",
  status: 200,
  input: strict({ id }),
  output: applicationOutput,
  permission: "applications:read",
  scope: "tenant",
  target: atApplication,
  run: async (tx, input, { model }) => {
    const application = await knownApplication(tx, input.id);
    return isFault(application) ? application : render(model, application);
  },
});
