/**
 * Ends a resource grant. One may take away more than one holds: the permission to revoke is enough. When the answer is sent, nobody says
 * yes because of it any more (invariant 7).
 */
import { isFault } from "../../../core/faults.ts";
import { expectRevision } from "../../operations/etag.ts";
import { operation } from "../../operations/operation.ts";
import { endBinding, revokeInput } from "../bindings.ts";
import { atGrant, knownGrant } from "./find.ts";
import { grantOutput, grantRef, render, told } from "./model.ts";

export const revokeResourceGrant = operation({
  name: "resource-grants.revoke",
  summary: "Revoke a resource grant",
  kind: "change",
  method: "POST",
  path: "/v1/resource-grants/{id}:revoke",
  status: 200,
  input: revokeInput,
  output: grantOutput,
  permission: "resource-grants:revoke",
  scope: "tenant",
  target: atGrant,
  impact: ({ id: grant }) => [{ grant }],
  event: (grant, { reason }) => ({
    type: "resource-grant.revoked",
    subject: grant.resource,
    data: { ...told(grant), reason: reason ?? null },
  }),
  run: async (tx, input, { model, ifMatch }) => {
    const grant = await knownGrant(tx, input.id);
    if (isFault(grant)) return grant;
    const expected = expectRevision(ifMatch, grant.revision, "optional");
    if (isFault(expected)) return expected;
    const gone = await endBinding(tx, "resource_grants", grant, expected.revision, grantRef(grant.id));
    return gone ?? render(model, grant);
  },
});
