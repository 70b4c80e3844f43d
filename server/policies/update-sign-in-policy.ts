/**
 * Changes what a tenant asks of the people who sign in to it, from the next sign-in on. Sessions under way keep the bounds they began
 * with; what a client may do by itself ends at once.
 */
import { type Fault, fault, isFault } from "../../core/faults.ts";
import { rootNode } from "../../core/ids.ts";
import { beyondHeld, findRole } from "../authority/assignments-store.ts";
import { heldThroughout } from "../authority/held.ts";
import { expectRevision, overtaken } from "../operations/etag.ts";
import { id, strict } from "../operations/fields.ts";
import { operation, type OperationContext } from "../operations/operation.ts";
import { masked, updateMask } from "../operations/update-mask.ts";
import { tenantVersion } from "../platform/cache/fresh-cache.ts";
import type { Tx } from "../platform/database/database.ts";
import Type from "typebox";
import { defaultPolicy, type SignInPolicy } from "./model.ts";
import { atItsRoot, theTenant } from "./of-tenant.ts";
import { collection, policyFieldNames, policyFields, policyOutput, render, unwritten } from "./sign-in-policy.ts";
import { findPolicy, writePolicy } from "./store.ts";

const input = strict({ id, update_mask: updateMask, ...Type.Partial(Type.Object(policyFields)).properties });

export const updateSignInPolicy = operation({
  name: "sign-in-policies.update",
  summary: "Change a tenant's sign-in policy",
  kind: "change",
  method: "PATCH",
  path: "/v1/sign-in-policies/{id}",
  status: 200,
  input,
  output: policyOutput,
  permission: "sign-in-policies:update",
  scope: theTenant,
  target: atItsRoot(collection),
  event: ({ id: _id, resource, create_time: _created, update_time: _updated, ...policy }) => ({
    type: "sign-in-policy.updated",
    subject: resource,
    data: policy,
  }),
  run: async (tx, asked, context) => {
    const change = masked(asked, policyFieldNames);
    if (isFault(change)) return change;
    const stored = (await findPolicy(tx)) ?? unwritten;
    const expected = expectRevision(context.ifMatch, stored.revision, "required");
    if (isFault(expected)) return expected;
    const document: Partial<SignInPolicy> = { ...stored.document, ...change };
    const after = { ...defaultPolicy, ...document };
    if (after.session_idle_seconds > after.session_absolute_seconds)
      return fault("invalid_argument", "`session_idle_seconds` is longer than `session_absolute_seconds`");
    const registering = change.self_registration !== undefined || change.self_registration_role !== undefined;
    const refused = registering ? await beyondGiving(tx, after, context) : undefined;
    if (refused !== undefined) return refused;

    const written = await writePolicy(tx, document, expected.revision, new Date(context.now));
    if (written === undefined) return overtaken();
    // Clients that registered themselves, or are their metadata document, are looked up under the tenant's version.
    tx.touch(tenantVersion(tx.tenant));
    return render(tx.tenant, written);
  },
});

/** Whoever lets strangers in with a role gives that role away, to anybody: no more than they hold themselves (invariant 8). */
const beyondGiving = async (tx: Tx, after: SignInPolicy, context: OperationContext): Promise<Fault | undefined> => {
  const name = after.self_registration_role;
  if (name === null) return undefined;
  const { model } = context;
  if (!model.roles.has(name))
    return fault(
      "invalid_argument",
      `\`self_registration_role\` is \`${name}\`, and must be a role built into the model`,
    );
  const role = await findRole(tx, model, name);
  if (isFault(role)) return role;
  return beyondHeld(model, role, await heldThroughout(tx, rootNode(tx.tenant), context));
};
