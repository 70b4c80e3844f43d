/** What stands at a node of the tree: to find it is to find the node, where its operations are decided. */
import { isFault, type Result } from "../../core/faults.ts";
import { formatRef, type NodeId } from "../../core/ids.ts";
import type { Target } from "../operations/operation.ts";
import { noSuch } from "../operations/targets.ts";
import type { Tx } from "../platform/database/database.ts";

type Known<One> = (tx: Tx, id: string) => Promise<Result<One>>;

export const knownIn =
  <Id extends string, One extends object>(
    collection: string,
    find: (tx: Tx, id: Id) => Promise<One | undefined>,
  ): Known<One> =>
  async (tx, id) =>
    (await find(tx, id as Id)) ?? noSuch(formatRef(collection, id));

export const atNodeOf =
  (collection: string, known: Known<{ readonly id: string; readonly node: { readonly id: NodeId } }>) =>
  async (tx: Tx, input: { readonly id: string }): Promise<Result<Target>> => {
    const found = await known(tx, input.id);
    return isFault(found) ? found : { node: found.node.id, ref: formatRef(collection, found.id) };
  };
