/**
 * Creates a perimeter in its parent, or a tenant: a root, which only the host may make, and whose transaction is the new tenant's own.
 * A type that may be either is a child where the request names a parent.
 */
import Type from "typebox";
import { fault, isFault, type Result } from "../../core/faults.ts";
import { formatRef, hostTenant, type NodeId, rootNode } from "../../core/ids.ts";
import type { Model, Perimeter } from "../../core/model/model.ts";
import { isHostCaller } from "../authority/caller.ts";
import { displayName, ref, strict } from "../operations/fields.ts";
import { operation, type Target, type TargetContext } from "../operations/operation.ts";
import { atParent, findNodeByRef } from "../operations/targets.ts";
import type { Tx } from "../platform/database/database.ts";
import { newId } from "../platform/random.ts";
import { treeDepthMax } from "../tree/model.ts";
import { holdTree, insertNode } from "../tree/store.ts";
import { happened, isAlwaysRoot, type PerimeterNode, perimeterOutput, render } from "./model.ts";
import { newTenantId } from "./new-tenant-id.ts";
import { holdNode, tenantExists } from "./store.ts";

type Input = { readonly parent?: string; readonly display_name: string };

export const createPerimeter = (type: Perimeter) =>
  operation({
    name: `${type.collection}.create`,
    summary: type.root ? `Create a tenant of type ${type.type}` : `Create a perimeter of type ${type.type}`,
    kind: "change",
    method: "POST",
    path: `/v1/${type.collection}`,
    status: 201,
    input: inputOf(type),
    output: perimeterOutput,
    permission: `${type.collection}:create`,
    scope: (input: Input, asking) => {
      if (input.parent !== undefined) return "tenant";
      // A tenant's caller stays in its own, and is refused at the host with the permission it lacks.
      return isHostCaller(asking.caller) ? newTenantId(type.collection, asking) : asking.caller.tenant;
    },
    target: (tx, input: Input, context) =>
      input.parent === undefined ? atHost(tx, type, context) : atParent(tx, { parent: input.parent }, context),
    event: happened(type, "created"),
    run: async (tx, input: Input, { model, now }) => {
      const place = input.parent === undefined ? await newRoot(tx) : await newChild(tx, model, type, input.parent);
      if (isFault(place)) return place;
      const at = new Date(now);
      const node: PerimeterNode = {
        ...place,
        tenant: tx.tenant,
        type: type.type,
        displayName: input.display_name,
        state: "active",
        revision: 1,
        createTime: at,
        updateTime: at,
      };
      await insertNode(tx, node);
      return render(model, node);
    },
  });

const inputOf = (type: Perimeter) => {
  const parent = ref(`the perimeter it is created in, of type ${type.in.join(" or ")}`);
  const fields = isAlwaysRoot(type) ? {} : { parent: type.root ? Type.Optional(parent) : parent };
  return strict({ ...fields, display_name: displayName }) as Type.TObject<{
    parent: Type.TOptional<Type.TString>;
    display_name: Type.TString;
  }>;
};

const atHost = async (tx: Tx, type: Perimeter, { caller }: TargetContext): Promise<Result<Target>> => ({
  node: rootNode(hostTenant),
  ref: isHostCaller(caller) ? formatRef(type.collection, tx.tenant) : type.collection,
  atHost: true,
});

type Place = Pick<PerimeterNode, "id" | "parent" | "parentType" | "ancestors">;

const newRoot = async (tx: Tx): Promise<Result<Place>> => {
  // The answer kept under the key has expired, or the tenant has been deleted since; the id is the key's for good.
  if (await tenantExists(tx))
    return fault("idempotency_conflict", "this Idempotency-Key has made a tenant before; use a new one");
  const root = rootNode(tx.tenant);
  return { id: root, parent: null, parentType: null, ancestors: [root] };
};

const newChild = async (tx: Tx, model: Model, type: Perimeter, named: string): Promise<Result<Place>> => {
  // Before the parent is read: where it stands must be where it will stand.
  await holdTree(tx, "shared");
  const parent = await findNodeByRef(tx, model, named);
  if (isFault(parent)) return parent;
  if (!type.in.includes(parent.type))
    return fault(
      "not_admissible",
      `a ${type.type} is created in a perimeter of type ${type.in.join(" or ")}, and \`${named}\` is none`,
    );
  const state = await holdNode(tx, parent.id, "share");
  if (state !== "active") return fault("not_admissible", `\`${named}\` is ${state ?? "gone"}`);
  if (parent.ancestors.length >= treeDepthMax)
    return fault("not_admissible", `\`${named}\` is ${treeDepthMax} deep, which is the limit`);
  const id = newId<NodeId>();
  return { id, parent: parent.id, parentType: parent.type, ancestors: [id, ...parent.ancestors] };
};
