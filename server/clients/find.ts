/** Finding an application is finding where its operations are decided: the perimeter it belongs to. */
import { type Fault, fault, isFault, type Result } from "../../core/faults.ts";
import { formatRef, rootNode } from "../../core/ids.ts";
import { contains } from "../../core/model/permissions.ts";
import { heldThroughout } from "../authority/held.ts";
import type { OperationContext, Target } from "../operations/operation.ts";
import { noSuch } from "../operations/targets.ts";
import type { Tx } from "../platform/database/database.ts";
import { type Application, collection } from "./model.ts";
import { findApplication } from "./store.ts";

export const knownApplication = async (tx: Tx, id: string): Promise<Result<Application>> =>
  (await findApplication(tx, id)) ?? noSuch(formatRef(collection, id));

export const atApplication = async (tx: Tx, input: { readonly id: string }): Promise<Result<Target>> => {
  const application = await knownApplication(tx, input.id);
  return isFault(application) ? application : { node: application.node.id, ref: formatRef(collection, application.id) };
};

const vouching = "applications:update";

/**
 * Nobody is asked for consent by a first-party application: whoever is sent to it hands it all they hold in the tenant. So who makes one,
 * or can put addresses, keys or secrets of their own into one, must stand for the whole tenant, and not only for the perimeter it is in.
 */
export const beyondVouching = async (tx: Tx, context: OperationContext): Promise<Fault | undefined> => {
  const permission = context.model.vocabulary.get(vouching);
  const held = await heldThroughout(tx, rootNode(tx.tenant), context);
  return permission !== undefined && contains(held, permission)
    ? undefined
    : fault("permission_denied", `a first-party application needs \`${vouching}\` for the whole tenant`, {
        permission: vouching,
      });
};
