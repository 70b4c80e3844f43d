/** A forgotten password: a link by mail, and what it opens. */
import type { Result } from "../../core/faults.ts";
import type { TenantId } from "../../core/ids.ts";
import type { SignIn, Visit } from "./needs.ts";

/** The answer is the same whether or not the address is known. */
export const requestPasswordReset = async (
  _needs: SignIn,
  _given: {
    readonly email: string;
    readonly context: TenantId | null;
    readonly locale: string;
    readonly request: Visit;
  },
): Promise<Result<void>> => {
  throw new Error("no password can be reset yet");
};

/** Whether the link could still be used, for the page that asks for the new password. Uses nothing up. */
export const checkResetLink = async (
  _needs: SignIn,
  _given: { readonly link: string; readonly request: Visit },
): Promise<Result<{ readonly email: string }>> => {
  throw new Error("no password can be reset yet");
};

/** Sets the password, uses the link up, ends every session and token of the human. They sign in next. */
export const resetPassword = async (
  _needs: SignIn,
  _given: { readonly link: string; readonly password: string; readonly locale: string; readonly request: Visit },
): Promise<Result<{ readonly email: string }>> => {
  throw new Error("no password can be reset yet");
};
