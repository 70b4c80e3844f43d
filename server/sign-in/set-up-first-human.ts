/** The one-time setup link makes the first human: a super admin of the host. */
import type { Result } from "../../core/faults.ts";
import type { SignedIn, SignIn, Visit } from "./needs.ts";

/** `setup` is what stands behind the `#` of the link. Its e-mail counts as proven: whoever has the link has the deployment. */
export const setUpFirstHuman = async (
  _needs: SignIn,
  _given: {
    readonly setup: string;
    readonly email: string;
    readonly displayName: string;
    readonly password: string;
    readonly locale: string;
    readonly request: Visit;
  },
): Promise<Result<SignedIn>> => {
  throw new Error("nobody can set up yet");
};
