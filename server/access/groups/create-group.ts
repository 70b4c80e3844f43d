/** Creates a group, empty and with no authority, at a perimeter; at the tenant's root where none is named. */
import Type from "typebox";
import { fault, isFault } from "../../../core/faults.ts";
import { hostTenant, rootNode } from "../../../core/ids.ts";
import { displayName, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atParentOrTenant, findNodeByRef, noSuch } from "../../operations/targets.ts";
import { holdNode } from "../../perimeters/store.ts";
import { newId } from "../../platform/random.ts";
import { findNode } from "../../tree/store.ts";
import { collection, description, type Group, groupOutput, parent, render, told } from "./model.ts";
import { insertGroup } from "./store.ts";

export const createGroup = operation({
  name: "groups.create",
  summary: "Create a group",
  kind: "change",
  method: "POST",
  path: "/v1/groups",
  status: 201,
  input: strict({
    parent: Type.Optional(parent),
    display_name: displayName,
    description: Type.Optional(description),
  }),
  output: groupOutput,
  permission: "groups:create",
  scope: "tenant",
  target: atParentOrTenant(collection),
  event: (group) => ({ type: "group.created", subject: group.resource, data: told(group) }),
  run: async (tx, input, { model, now }) => {
    // Decisions at the host read no groups: a group there would promise what nobody has.
    if (tx.tenant === hostTenant) return fault("not_admissible", "the host has no groups; assign its roles one by one");
    const node =
      input.parent === undefined
        ? ((await findNode(tx, rootNode(tx.tenant))) ?? noSuch(collection))
        : await findNodeByRef(tx, model, input.parent);
    if (isFault(node)) return node;
    if (!model.perimeters.has(node.type)) return fault("not_admissible", `\`${input.parent}\` is no perimeter`);
    const state = await holdNode(tx, node.id, "share");
    if (state !== "active") return fault("not_admissible", `the perimeter is ${state ?? "gone"}`);
    const at = new Date(now);
    const group: Group = {
      tenant: tx.tenant,
      id: newId(),
      node: { id: node.id, type: node.type },
      displayName: input.display_name,
      description: input.description ?? "",
      revision: 1,
      createTime: at,
      updateTime: at,
    };
    return (await insertGroup(tx, group)) ? render(model, group) : nameTaken(input.display_name);
  },
});

export const nameTaken = (name: string) => fault("already_exists", `there is a group called \`${name}\` there already`);
