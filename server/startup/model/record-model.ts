/** Puts a model in force, with the audit entry and the event that say so, in one transaction. */
import { unattributed } from "../../../core/attribution.ts";
import { formatRef, hostTenant } from "../../../core/ids.ts";
import type { Effect } from "../../../core/model/change.ts";
import type { Impact } from "../../../core/model/impact.ts";
import { appendInTransaction } from "../../audit/store.ts";
import { emit } from "../../events/store.ts";
import type { Tx } from "../../platform/database/database.ts";
import { newId } from "../../platform/random.ts";
import type { LoadedModel } from "../access-model.ts";
import type { Review } from "./review-model.ts";
import { activateModel } from "./versions-store.ts";

/** For as long as this, unless it is said otherwise, a server may still start with the model that was in force before. */
export const overlap_seconds_default = 3_600;
/** A week: whoever replaces processes for longer has two models, and not a change of one. */
export const overlap_seconds_max = 604_800;

/** `operator`: somebody asked for it at a terminal. `harmless`: a start brought it, and it concerns nobody. */
export type Reason = "operator" | "harmless";

export const recordModel = async (
  tx: Tx,
  loaded: LoadedModel,
  review: Review,
  { now, reason, overlapSeconds }: { readonly now: number; readonly reason: Reason; readonly overlapSeconds: number },
): Promise<void> => {
  const retireUntil = new Date(now + overlapSeconds * 1000);
  await activateModel(tx, { version: loaded.version, document: loaded.model.canonical }, new Date(now), retireUntil);
  const target = formatRef("models", loaded.version);
  const detail = {
    from: review.from,
    to: review.to,
    title: loaded.model.title,
    start_until: retireUntil.toISOString(),
    widens: concernedBy(review.impacts, "widens"),
    narrows: concernedBy(review.impacts, "narrows"),
    strands: concernedBy(review.impacts, "strands"),
  };
  await emit(tx, { type: "model.applied", subject: target, data: detail }, unattributed, now);
  await appendInTransaction(tx, {
    tenant: hostTenant,
    id: newId(),
    time: now,
    action: "host.apply-model",
    outcome: "done",
    attribution: unattributed,
    target,
    targetPath: null,
    permission: null,
    bypass: false,
    because: { rule: reason },
    detail,
  });
};

/** Enough to know what was done to whom; the two documents are kept, and say the rest. */
const listedMax = 50;

const concernedBy = (impacts: readonly Impact[], effect: Effect) =>
  impacts
    .filter(({ change }) => change.effect === effect)
    .slice(0, listedMax)
    .map(({ change, tenants }) => ({
      path: change.path,
      what: change.what,
      tenants: tenants.length,
      principals: tenants
        .flatMap(({ uses }) => uses)
        .reduce((sum, { of, count }) => sum + (of === "principals" ? count : 0), 0),
    }));
