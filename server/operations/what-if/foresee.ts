/**
 * What a change would do, found out by doing it and undoing it: in one transaction, whom and what it concerns is read before and after it,
 * then what they have there after it, then, gone back to before it, what they had. The difference is the answer; the transaction is rolled
 * back by whoever called.
 *
 * Who gains and who loses is told for registered nodes one by one, so far as there is room: `truncated` says where there was not. A share
 * link lends what its creator has: so with what a principal has changes what their links open.
 */
import { isFault, type Result } from "../../../core/faults.ts";
import type { NodeId } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import type { Tx } from "../../platform/database/database.ts";
import { factsBetween } from "../reach/facts-between.ts";
import type { Concern } from "./concern.ts";
import { type Concerned, difference, type Foreseen, type Seen } from "./difference.ts";
import {
  goBack,
  liveLinks,
  mark,
  nodesBelow,
  peopleAround,
  peopleOf,
  type Place,
  placesOf,
  readBetween,
} from "./store.ts";

const places_max = 500;
const principals_max = 100;
const nodes_max = 200;
const links_max = 100;

export const foresee = async <Output>(
  tx: Tx,
  { model, now }: { readonly model: Model; readonly now: number },
  concerns: (output: Output | undefined) => readonly Concern[],
  run: () => Promise<Result<Output>>,
): Promise<Result<{ readonly output: Output; readonly access: Foreseen }>> => {
  const before = await concernedIn(tx, concerns(undefined));
  await mark(tx);
  const output = await run();
  if (isFault(output)) return output;
  const concerned = both(before, await concernedIn(tx, concerns(output)));
  const after = await seenIn(tx, model, now, concerned);
  await goBack(tx);
  const earlier = await seenIn(tx, model, now, concerned);
  return { output, access: difference(model, now, concerned, earlier, after) };
};

const seenIn = async (tx: Tx, model: Model, now: number, { principals, nodes }: Concerned): Promise<Seen> => {
  const here = { bound: tx.tenant, tenant: tx.tenant };
  const facts = factsBetween(model, here, await readBetween(tx, principals, nodes));
  const links = await liveLinks(tx, principals, nodes, new Date(now), links_max + 1);
  const looked = new Map(links.slice(0, links_max).map((link) => [link.id, link]));
  return { facts, links: looked, truncated: links.length > links_max };
};

const concernedIn = async (tx: Tx, concerns: readonly Concern[]): Promise<Concerned> => {
  const places: Place[] = [];
  let truncated = false;
  for (const concern of concerns) {
    const some = await placesOf(tx, concern, places_max + 1);
    places.push(...some.slice(0, places_max));
    truncated ||= some.length > places_max;
  }
  const nodes = new Set<NodeId>();
  for (const { node, below } of places) {
    if (nodes.size > nodes_max) break;
    for (const one of below ? await nodesBelow(tx, node, nodes_max + 1) : [node]) nodes.add(one);
  }
  truncated ||= nodes.size > nodes_max;
  const looked = [...nodes].slice(0, nodes_max);
  const named = [...new Set(places.flatMap(({ whose }) => (whose === null ? [] : [whose])))];
  // Who is concerned itself is, wherever it has nothing yet.
  const themselves = concerns.flatMap((one) =>
    "beneficiary" in one ? [one.beneficiary.slice(one.beneficiary.indexOf("/") + 1)] : [],
  );
  const people = new Set([
    ...(await peopleOf(tx, [...new Set([...named, ...themselves])], principals_max + 1)),
    ...(places.some(({ whose }) => whose === null) ? await peopleAround(tx, looked, principals_max + 1) : []),
  ]);
  truncated ||= people.size > principals_max;
  return { principals: [...people].slice(0, principals_max), nodes: looked, truncated };
};

const both = (a: Concerned, b: Concerned): Concerned => {
  const principals = [...new Set([...a.principals, ...b.principals])];
  const nodes = [...new Set([...a.nodes, ...b.nodes])];
  return { principals, nodes, truncated: a.truncated || b.truncated };
};
