/**
 * Why: the answer, every assignment and grant that was looked at with what it came to, and on a denial each single step that would be enough.
 *
 * It is what `check` would have answered, from the same facts; only that what the principal has elsewhere is read too, so that a role one
 * perimeter too far away is seen. Nothing of another tenant is: what belongs to one does not exist here.
 */
import type { AssignmentFact, Facts } from "../../core/decide/types.ts";
import { type Considered, type Explanation, explanation } from "../../core/decide/explanation.ts";
import { isFault, type Result } from "../../core/faults.ts";
import { hostTenant } from "../../core/ids.ts";
import { assignmentsAnywhere } from "../authority/held.ts";
import type { Presented } from "../tokens/presented.ts";
import type { CheckAnswer } from "./check.ts";
import { tokenOf } from "./consistency.ts";
import { type Asking, type Deciding, gather, type Ready } from "./gather.ts";
import type { CheckQuestion, Unknown } from "./question.ts";

export type Explained = {
  readonly answer: CheckAnswer;
  /** What has to do with the permission, what permits it first, then the others by id. */
  readonly considered: readonly Considered[];
  readonly missing: Explanation["missing"];
  /** Whether more was considered than is shown. */
  readonly truncated: boolean;
};

const asking: Asking = { permission: "access:explain", deed: "asking why", self: true, whole: true };
const considered_max = 200;

export const explainAnswer = async (
  needs: Deciding,
  bearer: Presented,
  question: CheckQuestion | Unknown,
  jkt?: string,
): Promise<Result<Explained>> => {
  const gathered = await gather(needs, bearer, [question], asking, jkt);
  if (isFault(gathered)) return gathered;
  const ready = gathered.each[0]?.();
  if (ready === undefined || isFault(ready)) return ready ?? nothingAsked();
  if ("rule" in ready) {
    const answer = { effect: "deny", because: ready, obligations: [] } as const;
    return { answer, considered: [], missing: [], truncated: false };
  }
  const facts = await withElsewhere(needs, ready);
  const { decision, considered, missing } = explanation(needs.model, ready.question, facts);
  const concerning = considered
    .filter(({ outcome }) => outcome !== "gives_nothing")
    .toSorted((a, b) => Number(b.outcome === "permits") - Number(a.outcome === "permits"));
  return {
    answer: { ...decision, consistency: tokenOf(ready) },
    considered: concerning.slice(0, considered_max),
    missing,
    truncated: concerning.length > considered_max,
  };
};

const nothingAsked = (): never => {
  throw new Error("one question was asked, and none gathered");
};

/** The host's principals have all they have at the host, and it is among the facts already. */
const withElsewhere = async ({ platform, model }: Deciding, { plan, facts }: Ready): Promise<Facts> => {
  if (plan.bound === hostTenant) return facts;
  const all = await platform.database.transaction(plan.tenant, (tx) =>
    assignmentsAnywhere(tx, model, { kind: facts.principal.kind, id: plan.principal }),
  );
  const known = new Set(facts.assignments.map(({ id }) => id));
  // What reaches the target is as the decision saw it, under its own snapshot.
  const onPath = new Set<AssignmentFact["anchor"]>(facts.path.map(({ node }) => node));
  const elsewhere = all.filter(({ id, anchor }) => !known.has(id) && !onPath.has(anchor));
  return { ...facts, assignments: [...facts.assignments, ...elsewhere] };
};
