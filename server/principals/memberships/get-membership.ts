/** Reads one membership. */
import { isFault } from "../../../core/faults.ts";
import { id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atMembership, knownMembership } from "./find.ts";
import { membershipOutput, render } from "./model.ts";

export const getMembership = operation({
  name: "memberships.get",
  summary: "Read a membership",
  kind: "read",
  method: "GET",
  path: "/v1/memberships/{id}",
  status: 200,
  input: strict({ id }),
  output: membershipOutput,
  permission: "memberships:read",
  scope: "tenant",
  target: atMembership,
  run: async (tx, input, { model }) => {
    const membership = await knownMembership(tx, input.id);
    return isFault(membership) ? membership : render(model, membership);
  },
});
