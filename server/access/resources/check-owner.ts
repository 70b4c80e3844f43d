/** An owner is a principal of the tenant; groups own nothing, since a condition compares the owner with who asks. */
import { fault, isFault, type Result } from "../../../core/faults.ts";
import type { PrincipalId } from "../../../core/ids.ts";
import { knownBeneficiary } from "../../authority/beneficiaries.ts";
import type { Principal } from "../../authority/caller.ts";
import type { Tx } from "../../platform/database/database.ts";

export const knownOwner = async (tx: Tx, text: string): Promise<Result<Principal>> => {
  const found = text.startsWith("groups/") ? undefined : await knownBeneficiary(tx, text);
  if (isFault(found) && found.fault !== "invalid_argument") return found;
  if (found === undefined || isFault(found) || found.kind === "group")
    return fault(
      "invalid_argument",
      `\`owner\` is \`${text}\`, and must be \`users/{uuid}\` or \`service-accounts/{uuid}\``,
    );
  return { kind: found.kind, id: found.id as PrincipalId };
};
