/** Creates a role of the tenant's own, out of permissions its creator holds. */
import Type from "typebox";
import { fault } from "../../../core/faults.ts";
import { displayName, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atTenant } from "../../operations/targets.ts";
import { newId } from "../../platform/random.ts";
import { checkWidening } from "./check-widening.ts";
import { collection, description, permissions, type Role, render, roleOutput, withinGrants } from "./model.ts";
import { insertRole, isNameFree } from "./store.ts";

export const createRole = operation({
  name: "roles.create",
  summary: "Create a custom role",
  kind: "change",
  method: "POST",
  path: "/v1/roles",
  status: 201,
  input: strict({
    display_name: displayName,
    description: Type.Optional(description),
    permissions,
    within_grants: Type.Optional(withinGrants),
  }),
  output: roleOutput,
  permission: "roles:create",
  scope: "tenant",
  target: atTenant(collection),
  event: (role) => ({
    type: "role.created",
    subject: role.resource,
    data: { display_name: role.display_name, permissions: role.permissions, within_grants: role.within_grants },
  }),
  run: async (tx, input, context) => {
    const patterns = { permissions: input.permissions, withinGrants: input.within_grants ?? [] };
    const refused = await checkWidening(tx, { permissions: [], withinGrants: [] }, patterns, context);
    if (refused !== undefined) return refused;
    if (!(await isNameFree(tx, input.display_name, null)))
      return fault("already_exists", `there is a role called \`${input.display_name}\` already`);
    const at = new Date(context.now);
    const role: Role = {
      tenant: tx.tenant,
      id: newId(),
      displayName: input.display_name,
      description: input.description ?? "",
      ...patterns,
      revision: 1,
      createTime: at,
      updateTime: at,
    };
    await insertRole(tx, role);
    return render(role);
  },
});
