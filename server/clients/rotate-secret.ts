/** Replaces an application's secret. The old one ends at once, or after an overlap in which both are accepted. */
import Type from "typebox";
import { fault, isFault } from "../../core/faults.ts";
import { formatRef } from "../../core/ids.ts";
import { expectRevision, overtaken } from "../operations/etag.ts";
import { id, ref, strict, time } from "../operations/fields.ts";
import { operation } from "../operations/operation.ts";
import { atApplication, beyondVouching, knownApplication } from "./find.ts";
import { hasSecret } from "./metadata.ts";
import { collection } from "./model.ts";
import { issueSecret, liveSecretsMax, overlapSecondsMax } from "./secrets.ts";
import { countLiveSecrets, endSecrets, updateApplication } from "./store.ts";

export const rotateApplicationSecret = operation({
  name: "applications.rotateSecret",
  summary: "Replace an application's client secret; the new one is shown once",
  kind: "change",
  method: "POST",
  path: "/v1/applications/{id}:rotateSecret",
  status: 200,
  input: strict({
    id,
    overlap_seconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: overlapSecondsMax,
        description: "how long the old secret still works; 0 unless said otherwise",
      }),
    ),
  }),
  output: strict({
    id,
    resource: ref("applications/{uuid}"),
    client_id: Type.String(),
    client_secret: Type.String({ description: "shown once" }),
    previous_expire_time: Type.Union([time, Type.Null()], {
      description: "when the old secret ends; null when it has ended",
    }),
  }),
  permission: "applications:rotate",
  scope: "tenant",
  secrets: ["client_secret"],
  target: atApplication,
  event: (application) => ({
    type: "application.secret_rotated",
    subject: application.resource,
    data: { client_id: application.client_id, previous_expire_time: application.previous_expire_time },
  }),
  run: async (tx, input, context) => {
    const { now, ifMatch } = context;
    const application = await knownApplication(tx, input.id);
    if (isFault(application)) return application;
    const beyond = application.firstParty ? await beyondVouching(tx, context) : undefined;
    if (beyond !== undefined) return beyond;
    if (!hasSecret(application.metadata))
      return fault(
        "illegal_transition",
        `the application authenticates by \`${application.metadata.token_endpoint_auth_method}\`, and has no secret`,
      );
    const expected = expectRevision(ifMatch, application.revision, "optional");
    if (isFault(expected)) return expected;
    const at = new Date(now);
    // Raising the revision first makes two rotations at once take turns, so the bound below holds.
    if (!(await updateApplication(tx, application.id, expected.revision, {}, at))) return overtaken();
    const overlap = input.overlap_seconds ?? 0;
    const expires = overlap > 0 ? new Date(now + overlap * 1000) : undefined;
    const live = expires === undefined ? 0 : await countLiveSecrets(tx, application.id, at);
    if (live >= liveSecretsMax)
      return fault(
        "illegal_transition",
        `${liveSecretsMax} secrets are alive already; rotate without an overlap, or wait for the older one to end`,
      );
    await endSecrets(tx, application.id, at, expires);
    return {
      id: application.id,
      resource: formatRef(collection, application.id),
      client_id: application.clientId,
      client_secret: await issueSecret(tx, application.id, at),
      previous_expire_time: live === 0 ? null : (expires?.toISOString() ?? null),
    };
  },
});
