/**
 * Registering a human together with a password, as one change. The password is no part of the operation's input: what is recorded, replayed
 * or kept waiting for consent never holds it, nor its hash.
 */
import { isFault, type Result } from "../../../core/faults.ts";
import { hostTenant, isUuid, parseRef, type PrincipalId, type TenantId } from "../../../core/ids.ts";
import type { Caller } from "../../authority/caller.ts";
import { insertPassword } from "../../credentials/passwords/store.ts";
import type { PreparedOperation } from "../../operations/perform.ts";
import { tenantFront } from "../../policies/front.ts";
import { defaultPolicy } from "../../policies/model.ts";
import { hashNewPassword } from "../../sign-in/check-password.ts";
import type { SignIn } from "../../sign-in/needs.ts";

export type Registering = { readonly signIn: SignIn; readonly registerUser: PreparedOperation };

type Asked = {
  readonly parent: string;
  readonly email: string;
  readonly displayName: string;
  readonly password: string;
};

/** The operation of registering, with the password at its end; a fault where the password may not be one. */
export const registeringWithPassword = async (
  { signIn, registerUser }: Registering,
  caller: Caller,
  { parent, email, displayName, password }: Asked,
): Promise<Result<PreparedOperation>> => {
  const id = parseRef(parent)?.id;
  const tenant = caller.tenant === hostTenant && id !== undefined && isUuid(id) ? (id as TenantId) : caller.tenant;
  const policy = (await tenantFront(signIn.platform.database, tenant))?.policy ?? defaultPolicy;
  const asked = { lengthMin: policy.password_length_min, email, displayName };
  const hash = await hashNewPassword(signIn, password, asked);
  if (isFault(hash)) return hash;
  const { operation } = registerUser;
  return {
    ...registerUser,
    operation: {
      ...operation,
      run: async (tx, input, context) => {
        const made = await operation.run(tx, input, context);
        if (isFault(made)) return made;
        await insertPassword(tx, String((made as { readonly id: unknown }).id) as PrincipalId, hash, context.now);
        return made;
      },
    },
  };
};
