/**
 * Whether a server may start with its model (docs/adr/0010-a-model-is-applied.md).
 *
 *     none in force  → the file becomes the first
 *     the one in force
 *     the one before it, for a while → starts, and leaves what is in force as it is
 *     another that concerns nobody   → is put in force
 *     another                        → the start is refused, and says whom it would concern
 */
import { refusalLines } from "../../../core/model/impact-text.ts";
import type { Impact } from "../../../core/model/impact.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { LoadedModel } from "../access-model.ts";
import { StartRefused } from "../refusal.ts";
import { overlap_seconds_default, recordModel } from "./record-model.ts";
import { reviewModel } from "./review-model.ts";
import { activateModel, mayStillStart, readActiveModel } from "./versions-store.ts";

export type Admission =
  | { readonly at: "first" | "in_force" }
  | { readonly at: "overlapping" | "taken_up"; readonly active: string };

/** Takes the host transaction that holds the start-up lock. Throws `StartRefused`. */
export const admitModel = async (tx: Tx, loaded: LoadedModel, now: number): Promise<Admission> => {
  const active = await readActiveModel(tx);
  const at = new Date(now);
  if (active === undefined) {
    await activateModel(tx, { version: loaded.version, document: loaded.model.canonical }, at, at);
    return { at: "first" };
  }
  if (active.version === loaded.version) return { at: "in_force" };
  if (await mayStillStart(tx, loaded.version, at)) return { at: "overlapping", active: active.version };
  const review = await reviewModel(tx, active, loaded, at);
  if (review.impacts.length > 0) throw new StartRefused(refusal(loaded, active.version, review.impacts));
  await recordModel(tx, loaded, review, { now, reason: "harmless", overlapSeconds: overlap_seconds_default });
  return { at: "taken_up", active: active.version };
};

/** More is for `countersign model diff` to say. */
const linesMax = 20;

const refusal = ({ path, version }: LoadedModel, active: string, impacts: readonly Impact[]): readonly string[] => {
  const lines = refusalLines(impacts);
  const rest = lines.length - linesMax;
  return [
    [
      `the access model in ${path} (version ${version}) is not the one in force (${active}), and would change what people may do:`,
      ...lines.slice(0, linesMax),
      ...(rest > 0 ? [`and ${rest} more lines`] : []),
    ].join("\n      "),
    `look at it with \`countersign model diff ${path}\`, and put it in force with \`countersign model apply ${path}\`; or start with the model in force (COUNTERSIGN_MODEL)`,
  ];
};
