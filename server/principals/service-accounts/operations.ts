/** The operations of service accounts. */
import type { Operation } from "../../operations/operation.ts";
import { createServiceAccount } from "./create-service-account.ts";
import { disableServiceAccount, enableServiceAccount } from "./disable-service-account.ts";
import { getServiceAccount } from "./get-service-account.ts";
import { listServiceAccounts } from "./list-service-accounts.ts";
import { rotateSecret } from "./rotate-secret.ts";
import { patchServiceAccount } from "./update-service-account.ts";

export const serviceAccountOperations: readonly Operation[] = [
  createServiceAccount,
  getServiceAccount,
  listServiceAccounts,
  patchServiceAccount,
  rotateSecret,
  disableServiceAccount,
  enableServiceAccount,
];
