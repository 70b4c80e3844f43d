/**
 * Gives a principal a level on a resource and everything below it. Decided at the resource, and never more than the grantor holds there
 * and its token carries (invariant 8).
 *
 * Whoever may do this may share with anybody of the tenant, wherever they are managed: what is given reaches no further than the resource.
 * A client's administrator holds nothing outside the client, and so can give nothing outside it; whom they let in is theirs to decide.
 */
import Type from "typebox";
import { fault, isFault } from "../../../core/faults.ts";
import { knownBeneficiary, touchBeneficiary } from "../../authority/beneficiaries.ts";
import { heldThroughout } from "../../authority/held.ts";
import { strict, time } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atParent } from "../../operations/targets.ts";
import { newId } from "../../platform/random.ts";
import { checkCondition, condition } from "../condition.ts";
import { levelBeyond, sharedAt } from "../levels.ts";
import { grantOutput, level, parent, principal, type ResourceGrant, render, told } from "./model.ts";
import { clearExpired, insertGrant } from "./store.ts";

export const createResourceGrant = operation({
  name: "resource-grants.create",
  summary: "Grant a principal a level on a resource and what is below it",
  kind: "change",
  method: "POST",
  path: "/v1/resource-grants",
  status: 201,
  input: strict({
    parent,
    principal,
    level,
    expire_time: Type.Optional(time),
    condition: Type.Optional(condition),
  }),
  output: grantOutput,
  permission: "resource-grants:create",
  scope: "tenant",
  target: atParent,
  impact: (_, made) => (made === undefined ? [] : [{ grant: made.id }]),
  event: (grant) => ({ type: "resource-grant.created", subject: grant.resource, data: told(grant) }),
  run: async (tx, input, context) => {
    const { model, now } = context;
    const shared = await sharedAt(tx, model, input.parent, input.level);
    if (isFault(shared)) return shared;
    const beyond = levelBeyond(model, shared.level, await heldThroughout(tx, shared.node.id, context));
    if (beyond !== undefined) return beyond;
    const whose = await knownBeneficiary(tx, input.principal);
    if (isFault(whose)) return whose;
    const malformed = checkCondition(input.condition);
    if (malformed !== undefined) return malformed;
    const expires = input.expire_time === undefined ? null : new Date(input.expire_time);
    if (expires !== null && expires.getTime() <= now) return fault("not_admissible", "`expire_time` has passed");

    const at = new Date(now);
    const grant: ResourceGrant = {
      id: newId(),
      node: { id: shared.node.id, type: shared.node.type },
      principal: whose,
      level: shared.level.name,
      condition: input.condition ?? null,
      expireTime: expires,
      revision: 1,
      createTime: at,
      updateTime: at,
    };
    await clearExpired(tx, grant);
    if (!(await insertGrant(tx, grant)))
      return fault("already_exists", `\`${input.principal}\` has the level \`${grant.level}\` there already`);
    await touchBeneficiary(tx, whose);
    return render(model, grant);
  },
});
