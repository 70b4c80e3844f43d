/**
 * Puts principals, and other groups, into a group. Each must be placed at or below the perimeter the group is managed at, and whoever puts
 * them there must hold what they get by it. Who is in it already stays so.
 */
import Type from "typebox";
import { type Fault, fault, isFault, type Result } from "../../../core/faults.ts";
import { formatRef, type GroupId, rootNode } from "../../../core/ids.ts";
import type { Beneficiary } from "../../authority/beneficiaries.ts";
import type { Principal } from "../../authority/caller.ts";
import { flatten, holdGroupMembers } from "../../authority/group-members-store.ts";
import { readManyFactsIn } from "../../authority/store.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import type { Tx } from "../../platform/database/database.ts";
import { holdTree } from "../../tree/store.ts";
import { checkGiving } from "./check-giving.ts";
import { atGroup, knownGroup } from "./find.ts";
import {
  chainBelow,
  countMembers,
  groupsAbove,
  holdPlacedBelow,
  insertMembers,
  managedBelow,
  overfull,
  principalsIn,
} from "./members-store.ts";
import {
  type Group,
  group_members_max,
  group_nesting_max,
  groupOutput,
  groups_per_principal_max,
  member,
  memberRef,
  members,
  render,
} from "./model.ts";
import { namedMembers, touchAll } from "./name-members.ts";

export const addMembers = operation({
  name: "groups.addMembers",
  summary: "Put principals or groups into a group",
  kind: "change",
  method: "POST",
  path: "/v1/groups/{id}:addMembers",
  status: 200,
  input: strict({ id, members }),
  output: strict({
    ...groupOutput.properties,
    added: Type.Array(member, { description: "those that were not in it" }),
  }),
  permission: "groups:update",
  scope: "tenant",
  target: atGroup,
  impact: ({ id: group }) => [{ beneficiary: formatRef("groups", group) }],
  event: ({ resource, added }) =>
    added.length === 0 ? [] : { type: "group.members_added", subject: resource, data: { members: added } },
  run: async (tx, input, context) => {
    const wanted = namedMembers(input.members);
    if (isFault(wanted)) return wanted;
    // Where everybody is placed must stay so, and rows of principals are held before the group memberships are.
    await holdTree(tx, "shared");
    const group = await knownGroup(tx, input.id);
    if (isFault(group)) return group;
    const strangers = await checkPrincipals(tx, group, wanted);
    if (strangers !== undefined) return strangers;
    await holdGroupMembers(tx);
    const still = await knownGroup(tx, input.id);
    if (isFault(still)) return still;
    const above = await checkNesting(tx, group, wanted);
    if (isFault(above)) return above;
    const refused = await checkGiving(tx, above, context);
    if (refused !== undefined) return refused;
    const concerned = await principalsIn(tx, wanted);
    const full = await checkRoom(tx, group, wanted, concerned, above);
    if (full !== undefined) return full;

    const added = await insertMembers(tx, group.id, wanted, new Date(context.now));
    touchAll(tx, await flatten(tx, concerned));
    return { ...render(context.model, group), added: added.map(memberRef) };
  },
});

/** Members of the tenant, placed where the group is or below, and there still: neither deleted nor, for a service, disabled. */
const checkPrincipals = async (tx: Tx, group: Group, wanted: readonly Beneficiary[]): Promise<Fault | undefined> => {
  const placed = await holdPlacedBelow(tx, wanted, group.node.id);
  const principals = wanted.filter((one): one is Principal => one.kind !== "group");
  const outside = principals.find(({ id: principal }) => !placed.has(principal));
  if (outside !== undefined) return notThere(outside);
  const keys = principals.map((principal) => ({
    principal,
    bound: tx.tenant,
    tenant: tx.tenant,
    node: rootNode(tx.tenant),
  }));
  const facts = await readManyFactsIn(tx, keys);
  const gone = principals.find((_, nth) => (facts[nth]?.state ?? "deleted") === "deleted");
  return gone === undefined ? undefined : notThere(gone);
};

const notThere = (one: Beneficiary): Fault =>
  fault("not_admissible", `there is no active \`${memberRef(one)}\` at or below the perimeter the group is managed at`);

/** All groups whose members they become. */
const checkNesting = async (
  tx: Tx,
  group: Group,
  wanted: readonly Beneficiary[],
): Promise<Result<readonly GroupId[]>> => {
  const nested = wanted.filter(({ kind }) => kind === "group").map((one) => one.id as GroupId);
  const managed = await managedBelow(tx, nested, group.node.id);
  const outside = nested.find((one) => !managed.has(one));
  if (outside !== undefined) return notThere({ kind: "group", id: outside });
  const above = await groupsAbove(tx, group.id);
  const circular = nested.find((one) => above.has(one));
  if (circular !== undefined)
    return fault("not_admissible", `\`groups/${circular}\` is the group itself, or has it among its members`);
  const chain = Math.max(...above.values()) + (await chainBelow(tx, nested));
  if (chain > group_nesting_max)
    return fault("not_admissible", `groups would be nested ${chain} deep; the limit is ${group_nesting_max}`);
  return [...above.keys()];
};

const checkRoom = async (
  tx: Tx,
  group: Group,
  wanted: readonly Beneficiary[],
  concerned: readonly Principal[],
  above: readonly GroupId[],
): Promise<Fault | undefined> => {
  const one = await overfull(tx, concerned, above, groups_per_principal_max);
  if (one !== undefined)
    return fault(
      "not_admissible",
      `\`${memberRef(one)}\` would be in more than ${groups_per_principal_max} groups, which is the limit`,
    );
  // Not exact where some are in it already: the limit bounds a group, and is not there to be reached to the last place.
  return (await countMembers(tx, group.id)) + wanted.length > group_members_max
    ? fault("not_admissible", `a group has ${group_members_max} members at most; put a group into it`)
    : undefined;
};
