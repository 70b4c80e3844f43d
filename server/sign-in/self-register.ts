/** A stranger makes an account in a tenant that lets strangers in, and proves its address before the account is of any use. */
import type { Result } from "../../core/faults.ts";
import type { TenantId } from "../../core/ids.ts";
import type { SignIn, Visit } from "./needs.ts";

export type Registration = {
  readonly tenant: TenantId;
  readonly email: string;
  readonly displayName: string;
  readonly password: string;
  readonly locale: string;
  readonly request: Visit;
};

/**
 * The answer is the same whether or not the address has an account: a mail tells its owner which. Faults are about the password's rules
 * (`invalid_argument` with `errors`), about the tenant's policy, or limits.
 */
export const selfRegister = async (_needs: SignIn, _given: Registration): Promise<Result<void>> => {
  throw new Error("nobody can register yet");
};
