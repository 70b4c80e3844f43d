/** The link of a mail proves an address. */
import type { Result } from "../../core/faults.ts";
import type { SignIn, Visit } from "./needs.ts";

/** `link` is the secret of the mail's URL (`/verify-email?link=…`). `link_expired` where it is used up, expired, or none of ours. */
export const verifyEmail = async (
  _needs: SignIn,
  _given: { readonly link: string; readonly request: Visit },
): Promise<Result<{ readonly email: string }>> => {
  throw new Error("no address can be proven yet");
};
