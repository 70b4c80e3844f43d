/** The operations on what proves a human. */
import type { Operation } from "../operations/operation.ts";
import { importPassword } from "./passwords/import-password.ts";
import { resetPassword } from "./passwords/reset-password.ts";
import { resetSecondFactors } from "./reset-second-factors.ts";

export const credentialOperations: readonly Operation[] = [resetPassword, importPassword, resetSecondFactors];
