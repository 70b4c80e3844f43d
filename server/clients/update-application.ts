/** Changes an application's registration. What is registered is checked as a whole, so that no two changes add up to what one could not do. */
import Type from "typebox";
import { fault, isFault } from "../../core/faults.ts";
import { expectRevision, overtaken } from "../operations/etag.ts";
import { displayName, id, strict } from "../operations/fields.ts";
import { operation } from "../operations/operation.ts";
import { masked, updateMask } from "../operations/update-mask.ts";
import { metadataNames, optionalMetadata } from "./fields.ts";
import { atApplication, beyondVouching, knownApplication } from "./find.ts";
import { checkMetadata, hasSecret } from "./metadata.ts";
import { applicationFields, applicationOutput, render } from "./output.ts";
import { endSecrets, updateApplication } from "./store.ts";

const writable = ["display_name", "first_party", ...metadataNames] as const;

export const patchApplication = operation({
  name: "applications.update",
  summary: "Change an application",
  kind: "change",
  method: "PATCH",
  path: "/v1/applications/{id}",
  status: 200,
  input: strict({
    id,
    update_mask: updateMask,
    display_name: Type.Optional(displayName),
    first_party: Type.Optional(applicationFields.first_party),
    ...optionalMetadata,
  }),
  output: applicationOutput,
  permission: "applications:update",
  scope: "tenant",
  target: atApplication,
  event: (application) => ({
    type: "application.updated",
    subject: application.resource,
    data: { client_id: application.client_id, etag: application.etag },
  }),
  run: async (tx, input, context) => {
    const { model, now, ifMatch } = context;
    const application = await knownApplication(tx, input.id);
    if (isFault(application)) return application;
    const change = masked(input, writable);
    if (isFault(change)) return change;
    const { display_name, first_party, ...given } = change;
    if (application.source === "metadata_document")
      return fault("illegal_transition", "its registration is the document its client_id names; change that");
    const firstParty = first_party ?? application.firstParty;
    if (firstParty && application.source !== "managed")
      return fault("not_admissible", "an application that registered itself is never first party");
    const beyond = firstParty || application.firstParty ? await beyondVouching(tx, context) : undefined;
    if (beyond !== undefined) return beyond;
    const metadata = checkMetadata(
      { ...application.metadata, ...given },
      { source: "managed", model, tenant: tx.tenant },
    );
    if (isFault(metadata)) return metadata;
    const expected = expectRevision(ifMatch, application.revision, "required");
    if (isFault(expected)) return expected;

    const at = new Date(now);
    const columns = { ...(display_name === undefined ? {} : { display_name }), first_party: firstParty, metadata };
    if (!(await updateApplication(tx, application.id, expected.revision, columns, at))) return overtaken();
    // A secret that is not asked for any more would wait to be accepted again.
    if (hasSecret(application.metadata) && !hasSecret(metadata)) await endSecrets(tx, application.id, at);
    const after = await knownApplication(tx, input.id);
    return isFault(after) ? after : render(model, after);
  },
});
