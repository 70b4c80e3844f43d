/**
 * Ends a resource grant. One may take away more than one holds: the permission to revoke is enough. When the answer is sent, nobody says
 * yes because of it any more (invariant 7).
 */
import Type from "typebox";
import { isFault } from "../../../core/faults.ts";
import { touchBeneficiary } from "../../authority/beneficiaries.ts";
import { expectRevision } from "../../operations/etag.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { noSuch } from "../../operations/targets.ts";
import { atGrant, knownGrant } from "./find.ts";
import { grantOutput, grantRef, render, told } from "./model.ts";
import { deleteGrant } from "./store.ts";

export const revokeResourceGrant = operation({
  name: "resource-grants.revoke",
  summary: "Revoke a resource grant",
  kind: "change",
  method: "POST",
  path: "/v1/resource-grants/{id}:revoke",
  status: 200,
  input: strict({
    id,
    reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500, description: "for those who hear of it" })),
  }),
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
    if (!(await deleteGrant(tx, grant.id, expected.revision))) return noSuch(grantRef(grant.id));
    await touchBeneficiary(tx, grant.principal);
    return render(model, grant);
  },
});
