/**
 * What is asked of resources before any of them is written: each stands where its type may stand, not too deep, below something active,
 * and whoever registers it may create there. A fault returned from an operation commits, so that all is asked before the first is written.
 */
import { type Fault, fault, isFault, type Result } from "../../../core/faults.ts";
import { formatRef, type NodeId } from "../../../core/ids.ts";
import { hostPlace, type Model } from "../../../core/model/model.ts";
import { contains } from "../../../core/model/permissions.ts";
import { heldThroughout } from "../../authority/held.ts";
import type { OperationContext } from "../../operations/operation.ts";
import { findNodeByRef } from "../../operations/targets.ts";
import { newId } from "../../platform/random.ts";
import type { Tx } from "../../platform/database/database.ts";
import { type TreeNode, treeDepthMax } from "../../tree/model.ts";
import { holdStates } from "../../tree/store.ts";
import { knownOwner } from "./check-owner.ts";
import { type Attributes, attributes_size_max, isReserved, type Resource } from "./model.ts";

export type Wanted = {
  readonly type: string;
  readonly parent: string;
  readonly display_name: string;
  readonly id?: string;
  readonly owner?: string;
  readonly attributes?: Attributes;
};

const creating = "resources:create";

/**
 * The resources as they will be written, in order; each may stand in one before it. The permission to create has been decided at `decided`
 * and is asked for at every other parent, for what is nested among them throughout it. The tree must be held.
 */
export const planned = async (
  tx: Tx,
  wanted: readonly Wanted[],
  decided: string,
  context: OperationContext,
): Promise<Result<readonly Resource[]>> => {
  const stored = new Map<string, TreeNode>();
  const made = new Map<string, Resource>();
  /** Of what is nested among them: the stored node it all stands in. */
  const standsIn = new Map<string, string>();
  const nestedIn = new Set<string>();
  for (const one of wanted) {
    const nested = made.get(one.parent);
    const parent = nested ?? stored.get(one.parent) ?? (await findNodeByRef(tx, context.model, one.parent));
    if (isFault(parent)) return parent;
    const resource = await plannedIn(tx, one, parent, context);
    if (isFault(resource)) return resource;
    const ref = formatRef(resource.type, resource.id);
    if (made.has(ref)) return fault("already_exists", `\`${ref}\` is named twice`);
    const place = standsIn.get(one.parent) ?? one.parent;
    if (nested === undefined) stored.set(one.parent, parent);
    else nestedIn.add(place);
    standsIn.set(ref, place);
    made.set(ref, resource);
  }
  const refused =
    (await checkCreating(tx, stored, nestedIn, decided, context)) ?? (await checkAwake(tx, [...stored.values()]));
  return refused ?? [...made.values()];
};

const plannedIn = async (
  tx: Tx,
  one: Wanted,
  parent: TreeNode,
  { model, now }: OperationContext,
): Promise<Result<Resource>> => {
  const misplaced = checkPlace(model, one, parent);
  if (misplaced !== undefined) return misplaced;
  const attributes = one.attributes ?? {};
  const malformed = checkAttributes(attributes);
  if (malformed !== undefined) return malformed;
  const owner = one.owner === undefined ? null : await knownOwner(tx, one.owner);
  if (isFault(owner)) return owner;
  if (one.id !== undefined && isReserved(one.id))
    return fault("not_admissible", `\`${one.id}\` is not an id anything can have`);
  // The root has it, which stands apart in the schema: no other node of the tenant could be written with it.
  if (one.id === tx.tenant) return fault("already_exists", `\`${one.id}\` is taken`);
  const id = (one.id as NodeId | undefined) ?? newId<NodeId>();
  const at = new Date(now);
  return {
    tenant: tx.tenant,
    id,
    type: one.type,
    parent: parent.id,
    parentType: parent.type,
    ancestors: [id, ...parent.ancestors],
    displayName: one.display_name,
    state: "active",
    owner,
    attributes,
    revision: 1,
    createTime: at,
    updateTime: at,
  };
};

/** The types a resource may stand in. Nothing is registered at the host, whatever the model says. */
export const placesOf = (model: Model, type: string): readonly string[] =>
  (model.resources.get(type)?.in ?? []).filter((above) => above !== hostPlace);

const checkPlace = (model: Model, one: Wanted, parent: TreeNode): Fault | undefined => {
  if (!model.resources.has(one.type))
    return fault(
      "not_admissible",
      `there is no resource type \`${one.type}\`; it may be ${[...model.resources.keys()].join(", ")}`,
    );
  const places = placesOf(model, one.type);
  if (!places.includes(parent.type))
    return fault(
      "not_admissible",
      `${one.type} stand in ${places.join(" or ") || "nothing"}, and \`${one.parent}\` is none`,
    );
  if (parent.ancestors.length >= treeDepthMax)
    return fault("not_admissible", `\`${one.parent}\` is ${treeDepthMax} deep, which is the limit`);
  return undefined;
};

/** A fault where they are larger than what may be stored. */
export const checkAttributes = (attributes: Attributes): Fault | undefined =>
  Buffer.byteLength(JSON.stringify(attributes)) > attributes_size_max
    ? fault("invalid_argument", `\`attributes\` are more than ${attributes_size_max} bytes of JSON`)
    : undefined;

const checkCreating = async (
  tx: Tx,
  stored: ReadonlyMap<string, TreeNode>,
  nestedIn: ReadonlySet<string>,
  decided: string,
  context: OperationContext,
): Promise<Fault | undefined> => {
  const permission = context.model.vocabulary.get(creating);
  for (const [ref, node] of stored) {
    const below = nestedIn.has(ref);
    if (ref === decided && !below) continue;
    const held = below ? await heldThroughout(tx, node.id, context) : await context.heldAt(node.id);
    if (permission === undefined || !contains(held, permission))
      return fault(
        "permission_denied",
        `this needs \`${creating}\` at \`${ref}\`${below ? " and below it" : ""}, which you, or the token you present, do not have there`,
        { permission: creating },
      );
  }
  return undefined;
};

/** Held, so that no child is born to a parent on its way out. */
const checkAwake = async (tx: Tx, parents: readonly TreeNode[]): Promise<Fault | undefined> => {
  const steps = await holdStates(
    tx,
    parents.map(({ id }) => id),
  );
  return steps.length === parents.length && steps.every(({ state }) => state === "active")
    ? undefined
    : fault("not_admissible", "what it is to be in is suspended or gone");
};
