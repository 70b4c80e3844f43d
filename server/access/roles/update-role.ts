/**
 * Changes a custom role, for everybody who has it. Narrowing needs no authority of one's own; widening does. The last who can assign roles in
 * the tenant stays one, also where that is by this role.
 */
import Type from "typebox";
import { fault, isFault } from "../../../core/faults.ts";
import { keepingAssignerFrom } from "../../authority/keep-assigner.ts";
import { expectRevision, overtaken } from "../../operations/etag.ts";
import { displayName, id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { masked, updateMask } from "../../operations/update-mask.ts";
import { tenantVersion } from "../../platform/cache/fresh-cache.ts";
import { checkWidening } from "./check-widening.ts";
import { atRole, knownRole } from "./find.ts";
import { description, permissions, render, roleOutput, withinGrants } from "./model.ts";
import { isNameFree, updateRole as updateStored } from "./store.ts";

const writable = ["display_name", "description", "permissions", "within_grants"] as const;

export const updateRole = operation({
  name: "roles.update",
  summary: "Change a custom role, for everybody it is assigned to",
  kind: "change",
  method: "PATCH",
  path: "/v1/roles/{id}",
  status: 200,
  input: strict({
    id,
    update_mask: updateMask,
    display_name: Type.Optional(displayName),
    description: Type.Optional(description),
    permissions: Type.Optional(permissions),
    within_grants: Type.Optional(withinGrants),
  }),
  output: roleOutput,
  permission: "roles:update",
  scope: "tenant",
  target: atRole,
  impact: ({ id: role }) => [{ role }],
  event: (role) => ({
    type: "role.updated",
    subject: role.resource,
    data: {
      display_name: role.display_name,
      permissions: role.permissions,
      within_grants: role.within_grants,
      etag: role.etag,
    },
  }),
  run: async (tx, input, context) => {
    const role = await knownRole(tx, input.id);
    if (isFault(role)) return role;
    const change = masked(input, writable);
    if (isFault(change)) return change;
    const expected = expectRevision(context.ifMatch, role.revision, "required");
    if (isFault(expected)) return expected;
    const after = {
      permissions: change.permissions ?? role.permissions,
      withinGrants: change.within_grants ?? role.withinGrants,
    };
    const refused = await checkWidening(tx, role, after, context);
    if (refused !== undefined) return refused;
    const name = change.display_name;
    if (name !== undefined && !(await isNameFree(tx, name, role.id)))
      return fault("already_exists", `there is a role called \`${name}\` already`);

    const write = async () => {
      const updated = await updateStored(tx, role.id, expected.revision, change, new Date(context.now));
      if (updated === undefined) return overtaken();
      tx.touch(tenantVersion(tx.tenant));
      return render(updated);
    };
    return change.permissions === undefined ? write() : keepingAssignerFrom(tx, context, write);
  },
});
