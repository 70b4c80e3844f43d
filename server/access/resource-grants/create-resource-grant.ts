/**
 * Gives a principal a level on a resource and everything below it. Decided at the resource, and never more than the grantor holds there
 * and its token carries (invariant 8).
 *
 * Whoever may do this may share with anybody of the tenant, wherever they are managed: what is given reaches no further than the resource.
 * A client's administrator holds nothing outside the client, and so can give nothing outside it; whom they let in is theirs to decide.
 */
import { fault, isFault } from "../../../core/faults.ts";
import { touchBeneficiary } from "../../authority/beneficiaries.ts";
import { heldThroughout } from "../../authority/held.ts";
import { strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { atParent } from "../../operations/targets.ts";
import { newId } from "../../platform/random.ts";
import { newBinding, principal, termsInput } from "../bindings.ts";
import { levelBeyond, sharedAt } from "../levels.ts";
import { grantOutput, level, parent, type ResourceGrant, render, told } from "./model.ts";
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
    ...termsInput,
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
    const binding = await newBinding(tx, shared.node, input, now);
    if (isFault(binding)) return binding;
    const grant: ResourceGrant = { ...binding, id: newId(), level: shared.level.name };
    await clearExpired(tx, grant);
    if (!(await insertGrant(tx, grant)))
      return fault("already_exists", `\`${input.principal}\` has the level \`${grant.level}\` there already`);
    await touchBeneficiary(tx, grant.principal);
    return render(model, grant);
  },
});
