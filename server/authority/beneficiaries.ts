/** Whom authority can be given to: a principal of the tenant, or a group of them. */
import { fault, type Result } from "../../core/faults.ts";
import {
  type BeneficiaryId,
  type BeneficiaryKind,
  beneficiaryKindOf,
  type GroupId,
  hostTenant,
  parseRef,
  type PrincipalId,
  rootNode,
} from "../../core/ids.ts";
import { principalVersion, tenantVersion } from "../platform/cache/fresh-cache.ts";
import type { Tx } from "../platform/database/database.ts";
import { holdGroup, principalsInGroup } from "./beneficiaries-store.ts";
import { holdGroupMembersStill } from "./group-members-store.ts";
import { readFactsIn } from "./store.ts";

export type Beneficiary = { readonly kind: BeneficiaryKind; readonly id: BeneficiaryId };

/**
 * A member of the tenant, a service account of it, or a group of it; suspended or not, for what is given then waits. Where in the tenant
 * they are managed makes no difference: an enterprise's people work at its clients. A fault where the text names nobody.
 */
export const knownBeneficiary = async (tx: Tx, text: string): Promise<Result<Beneficiary>> => {
  const named = parseRef(text);
  const kind = named && beneficiaryKindOf(named.collection);
  if (named === undefined || kind === undefined)
    return fault(
      "invalid_argument",
      `\`principal\` is \`${text}\`, and must be \`users/{uuid}\`, \`service-accounts/{uuid}\` or \`groups/{uuid}\``,
    );
  if (kind === "group") {
    // Decisions read the host's assignments of principals alone.
    if (tx.tenant === hostTenant)
      return fault("not_admissible", "at the host, authority is given to principals one by one");
    const id = named.id as GroupId;
    return (await holdGroup(tx, id)) ? { kind, id } : fault("not_admissible", `there is no \`${text}\` in this tenant`);
  }
  const principal = { kind, id: named.id as PrincipalId };
  const key = { principal, bound: tx.tenant, tenant: tx.tenant, node: rootNode(tx.tenant) };
  const { state } = await readFactsIn(tx, key);
  return state === null || state === "deleted"
    ? fault("not_admissible", `there is no \`${text}\` in this tenant; a user has to be a member first`)
    : principal;
};

/** Members touched one by one; where a group has more, all that is cached of the tenant falls. */
const touched_max = 100;

/** What was decided for the principal, or for anybody in the group, is worthless once the transaction commits (invariant 7). */
export const touchBeneficiary = async (tx: Tx, { kind, id }: Beneficiary): Promise<void> => {
  if (kind !== "group") return tx.touch(principalVersion(tx.tenant, id));
  await holdGroupMembersStill(tx);
  const members = await principalsInGroup(tx, id as GroupId, touched_max + 1);
  if (members.length > touched_max) return tx.touch(tenantVersion(tx.tenant));
  return tx.touch(...members.map((member) => principalVersion(tx.tenant, member)));
};
