/** Lists who was put into a group, other groups among them. */
import { isFault } from "../../../core/faults.ts";
import { id, strict, time } from "../../operations/fields.ts";
import { listInput } from "../../operations/listing/list-page.ts";
import { pageOutput, pagingOf, rendered } from "../../operations/listing/page-output.ts";
import { operation } from "../../operations/operation.ts";
import { atGroup, knownGroup } from "./find.ts";
import { collection, member, memberRef } from "./model.ts";
import { listMembers as listStored } from "./members-store.ts";

export const listMembers = operation({
  name: "groups.listMembers",
  summary: "List the members of a group",
  kind: "read",
  method: "GET",
  path: "/v1/groups/{id}/members",
  status: 200,
  input: strict({ id, ...listInput }),
  output: pageOutput(strict({ member, create_time: time })),
  permission: "groups:read",
  scope: "tenant",
  target: atGroup,
  run: async (tx, input, context) => {
    const group = await knownGroup(tx, input.id);
    if (isFault(group)) return group;
    const page = await listStored(tx, group.id, input, pagingOf(tx, context, `${collection} ${group.id} members`));
    return rendered(page, ({ whose, createTime }) => ({
      member: memberRef(whose),
      create_time: createTime.toISOString(),
    }));
  },
});
