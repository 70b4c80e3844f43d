/** The members a request names. */
import { fault, isFault, type Result } from "../../../core/faults.ts";
import { type BeneficiaryId, beneficiaryKindOf, parseRef } from "../../../core/ids.ts";
import { principalVersion, tenantVersion } from "../../platform/cache/fresh-cache.ts";
import type { Beneficiary } from "../../authority/beneficiaries.ts";
import type { Tx } from "../../platform/database/database.ts";

/** Each once. A fault where one could be nobody's. */
export const namedMembers = (texts: readonly string[]): Result<readonly Beneficiary[]> => {
  const named: Beneficiary[] = [];
  for (const text of texts) {
    const one = memberOf(text);
    if (isFault(one)) return one;
    named.push(one);
  }
  return named;
};

const memberOf = (text: string): Result<Beneficiary> => {
  const named = parseRef(text);
  const kind = named && beneficiaryKindOf(named.collection);
  return named === undefined || kind === undefined
    ? fault(
        "invalid_argument",
        `\`members\` names \`${text}\`, and may name \`users/{uuid}\`, \`service-accounts/{uuid}\` and \`groups/{uuid}\``,
      )
    : { kind, id: named.id as BeneficiaryId };
};

/** Principals whose cached answers are dropped one by one; where there are more, all that is cached of the tenant is. */
const touched_max = 100;

/** What was decided for these is worthless once the transaction commits (invariant 7). */
export const touchAll = (tx: Tx, principals: readonly string[]): void => {
  if (principals.length > touched_max) tx.touch(tenantVersion(tx.tenant));
  else tx.touch(...principals.map((id) => principalVersion(tx.tenant, id)));
};
