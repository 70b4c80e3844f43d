/** Opens a token family: the end of every grant in which a human has said yes (code, device, password). */
import type { Result } from "../../../core/faults.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { FamilySpec, GrantNeeds, TokenAnswer } from "./model.ts";

/**
 * Writes the family and its first refresh token (where the client may refresh), and makes its tokens. Any transaction will do: the rows
 * are written in the human's home, whichever tenant it was opened for. `invalid_grant` where the human, the session, a tenant or the
 * membership does not stand any more.
 */
export const openFamily = async (needs: GrantNeeds, tx: Tx, spec: FamilySpec): Promise<Result<TokenAnswer>> => {
  throw new Error(`openFamily is not there yet: ${needs.issuer} ${tx.tenant} ${spec.user}`);
};
