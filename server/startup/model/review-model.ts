/** What another model would change, and for whom: the two models compared, and what is stored under the names that differ. */
import { formatRef } from "../../../core/ids.ts";
import type { Change } from "../../../core/model/change.ts";
import { diffModels } from "../../../core/model/diff.ts";
import { concernOf, type Impact, impactsOf, type Use } from "../../../core/model/impact.ts";
import { hostPlace, type Model } from "../../../core/model/model.ts";
import { storedModel } from "../../../core/model/stored-model.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { LoadedModel } from "../access-model.ts";
import { readUses, type StoredUse } from "./uses-store.ts";
import type { ModelVersion } from "./versions-store.ts";

export type Review = {
  /** The version in force, and the one that may take its place. */
  readonly from: string;
  readonly to: string;
  readonly changes: readonly Change[];
  /** Of the changes, those that concern somebody. */
  readonly impacts: readonly Impact[];
};

/** Of each kind, in each tenant, so many are named. */
const refs_named_max = 5;

/** Takes a host transaction, so that what is found is what is true when it commits. */
export const reviewModel = async (
  tx: Tx,
  active: ModelVersion,
  { model, version }: LoadedModel,
  now: Date,
): Promise<Review> => {
  const before = storedModel(active.document);
  const changes = diffModels(before, model);
  const asked = concernOf(changes.filter(({ effect }) => effect !== "none"));
  const uses = await readUses(tx, asked, now, refs_named_max);
  const impacts = impactsOf(changes, uses.map(withRefs(before, model)));
  return { from: active.version, to: version, changes, impacts };
};

/** Nodes are stored by type; people know them by collection. The tenants are still called what they are called now. */
const withRefs = (before: Model, after: Model) => {
  const collectionOf = (type: string): string =>
    (before.perimeters.get(type) ?? after.perimeters.get(type))?.collection ?? type;
  return ({ tenant, ...use }: StoredUse): Use => ({
    ...use,
    tenant: tenant.type === hostPlace ? hostPlace : formatRef(collectionOf(tenant.type), tenant.id),
    refs: use.of === "nodes" ? use.refs.map((ref) => nodeRef(ref, collectionOf)) : use.refs,
  });
};

const nodeRef = (ref: string, collectionOf: (type: string) => string): string => {
  const slash = ref.indexOf("/");
  return formatRef(collectionOf(ref.slice(0, slash)), ref.slice(slash + 1));
};
