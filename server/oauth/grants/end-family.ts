/** Ends a token family: no access or refresh token of it is accepted once the transaction has committed. */
import type { PrincipalId, TenantId } from "../../../core/ids.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { EndReason } from "./model.ts";

/** A family is named by where it lives. */
export type FamilyKey = { readonly home: TenantId; readonly id: string };
export type EndedFamily = {
  readonly home: TenantId;
  readonly id: string;
  readonly user: PrincipalId;
  readonly bound: TenantId;
  readonly clientId: string;
};

/** Undefined where it has been ended before, or never was. Any transaction will do. `now` in ms since the epoch. */
export const endFamily = async (
  tx: Tx,
  family: FamilyKey,
  reason: EndReason,
  now: number,
): Promise<EndedFamily | undefined> => {
  throw new Error(`endFamily is not there yet: ${tx.tenant} ${family.id} ${reason} ${now}`);
};
