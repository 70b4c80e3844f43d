/** Everything a principal may do to one resource: exactly the permissions `check` would say yes to. One look-up, as for one of them. */
import { decide } from "../../core/decide/decide.ts";
import { isFault, type Result } from "../../core/faults.ts";
import type { Presented } from "../tokens/presented.ts";
import { tokenOf } from "./consistency.ts";
import { type Deciding, gather } from "./gather.ts";
import { searching } from "./list-resources.ts";
import type { CheckQuestion } from "./question.ts";

export type ActionSearch = Omit<CheckQuestion, "permission">;

export type Actions = {
  /** `resource:action`, sorted. */
  readonly permissions: readonly string[];
  /** Absent where there was nothing to decide on. */
  readonly consistency?: string;
};

/** What there is not, or what is another tenant's, has no actions. */
export const listActions = async (
  needs: Deciding,
  bearer: Presented,
  search: ActionSearch,
  jkt?: string,
): Promise<Result<Actions>> => {
  const gathered = await gather(needs, bearer, [{ ...search, permission: "" }], searching, jkt);
  if (isFault(gathered)) return gathered;
  const ready = gathered.each[0]?.();
  if (ready === undefined || isFault(ready)) return ready ?? { permissions: [] };
  if ("rule" in ready) return { permissions: [] };
  const permissions = needs.model.permissions.filter(
    (permission) => decide(needs.model, { ...ready.question, permission }, ready.facts).effect === "permit",
  );
  return { permissions, consistency: tokenOf(ready) };
};
