/** Registers an application. The secret of one that proves itself by a secret is shown in this answer and never again. */
import Type from "typebox";
import { isFault } from "../../core/faults.ts";
import { displayName, ref, strict } from "../operations/fields.ts";
import { operation } from "../operations/operation.ts";
import { atParent } from "../operations/targets.ts";
import { newId } from "../platform/random.ts";
import { activePerimeter } from "../principals/place.ts";
import { newApplicationId } from "./client-id.ts";
import { optionalMetadata } from "./fields.ts";
import { beyondVouching } from "./find.ts";
import { checkMetadata, hasSecret } from "./metadata.ts";
import type { Application } from "./model.ts";
import { applicationFields, render } from "./output.ts";
import { issueSecret } from "./secrets.ts";
import { insertApplication } from "./store.ts";

export const createApplication = operation({
  name: "applications.create",
  summary: "Register an application, an OAuth client that people use; its client secret is shown once",
  kind: "change",
  method: "POST",
  path: "/v1/applications",
  status: 201,
  input: strict({
    parent: ref("the perimeter it belongs to"),
    display_name: displayName,
    first_party: Type.Optional(applicationFields.first_party),
    ...optionalMetadata,
  }),
  output: strict({
    ...applicationFields,
    client_secret: Type.Optional(Type.String({ description: "shown once; absent where it has none" })),
  }),
  permission: "applications:create",
  scope: "tenant",
  secrets: ["client_secret"],
  target: atParent,
  event: (application) => ({
    type: "application.created",
    subject: application.resource,
    data: {
      parent: application.parent,
      display_name: application.display_name,
      client_id: application.client_id,
      first_party: application.first_party,
    },
  }),
  run: async (tx, input, context) => {
    const { model, now } = context;
    const node = await activePerimeter(tx, model, input.parent);
    if (isFault(node)) return node;
    const { parent: _, display_name, first_party = false, ...given } = input;
    const metadata = checkMetadata(given, { source: "managed", model, tenant: tx.tenant });
    if (isFault(metadata)) return metadata;
    const beyond = first_party ? await beyondVouching(tx, context) : undefined;
    if (beyond !== undefined) return beyond;

    const at = new Date(now);
    const application: Application = {
      tenant: tx.tenant,
      id: newId(),
      node: { id: node.id, type: node.type },
      clientId: newApplicationId(tx.tenant),
      displayName: display_name,
      state: "active",
      source: "managed",
      firstParty: first_party,
      metadata,
      revision: 1,
      createTime: at,
      updateTime: at,
    };
    await insertApplication(tx, application);
    const rendered = render(model, application);
    return hasSecret(metadata) ? { ...rendered, client_secret: await issueSecret(tx, application.id, at) } : rendered;
  },
});
