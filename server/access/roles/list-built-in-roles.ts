/** Lists the roles the access model has, which are named in assignments as they are here. At the host they are the host's. */
import Type from "typebox";
import { hostTenant } from "../../../core/ids.ts";
import type { Role } from "../../../core/model/model.ts";
import { permissionPatterns, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atTenant } from "../../operations/targets.ts";

export const listBuiltInRoles = operation({
  name: "built-in-roles.list",
  summary: "List the access model's own roles",
  kind: "read",
  method: "GET",
  path: "/v1/built-in-roles",
  status: 200,
  input: strict({}),
  // Not paged: a model is a file, and short.
  output: strict({
    items: Type.Array(
      strict({
        name: Type.String(),
        title: Type.String(),
        description: Type.String(),
        permissions: permissionPatterns("held everywhere the assignment reaches"),
        within_grants: permissionPatterns("held only where a resource grant gives them too"),
      }),
    ),
  }),
  permission: "roles:read",
  scope: "tenant",
  target: atTenant("built-in-roles"),
  run: async (tx, _, { model }) => {
    const roles = tx.tenant === hostTenant ? model.hostRoles : model.roles;
    return { items: [...roles.values()].map(render) };
  },
});

const render = ({ name, title, description, patterns }: Role) => ({
  name,
  title,
  description,
  permissions: [...patterns.permissions],
  within_grants: [...patterns.withinGrants],
});
