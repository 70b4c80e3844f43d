/**
 * Compares a model with the one in force, and puts it in force where nobody gains rights and nothing is stranded, or where that was allowed
 * aloud. For an operator at a terminal; servers take it up as they are started with the same file.
 */
import { type Allowed, type Impact, refusedOf } from "../../../core/model/impact.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Database } from "../../platform/database/database.ts";
import type { LoadedModel } from "../access-model.ts";
import { lockStartup } from "../store.ts";
import { recordModel } from "./record-model.ts";
import { type Review, reviewModel } from "./review-model.ts";
import { activateModel, readActiveModel } from "./versions-store.ts";

type Needs = { readonly database: Database; readonly clock: Clock };

/** What became of it. `first`: there was none before it. `same`: it is in force already. */
export type Applied =
  | { readonly at: "first" | "same"; readonly version: string }
  | { readonly at: "reviewed"; readonly review: Review; readonly refused: readonly Impact[] }
  | { readonly at: "applied"; readonly review: Review; readonly refused: readonly [] };

export type ApplyOptions = { readonly allowed: Allowed; readonly dryRun: boolean; readonly overlapSeconds: number };

/** One at a time, and not while a server starts: what is looked at and what is written are one transaction. */
export const applyModel = ({ database, clock }: Needs, loaded: LoadedModel, options: ApplyOptions): Promise<Applied> =>
  database.hostTransaction(async (tx): Promise<Applied> => {
    await lockStartup(tx);
    const now = clock.now();
    const { version } = loaded;
    const active = await readActiveModel(tx);
    if (active === undefined) {
      const document = loaded.model.canonical;
      if (!options.dryRun) await activateModel(tx, { version, document }, new Date(now), new Date(now));
      return { at: "first", version };
    }
    if (active.version === version) return { at: "same", version };
    const review = await reviewModel(tx, active, loaded, new Date(now));
    const refused = refusedOf(review.impacts, options.allowed);
    if (refused.length > 0 || options.dryRun) return { at: "reviewed", review, refused };
    await recordModel(tx, loaded, review, { now, reason: "operator", overlapSeconds: options.overlapSeconds });
    return { at: "applied", review, refused: [] };
  });
