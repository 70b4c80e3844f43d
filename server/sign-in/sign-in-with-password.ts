/** The first factor: an e-mail address and a password. */
import type { Result } from "../../core/faults.ts";
import type { TenantId } from "../../core/ids.ts";
import type { Session } from "../sessions/model.ts";
import type { SignedIn, SignIn, Visit } from "./needs.ts";

export type PasswordGiven = {
  readonly email: string;
  readonly password: string;
  /** The tenant people are signing in to; null for none in particular. */
  readonly context: TenantId | null;
  readonly request: Visit;
  /** The session the browser has: renewed where it is the same human's, ended where it is another's. */
  readonly current?: Session | undefined;
};

export const signInWithPassword = async (_needs: SignIn, _given: PasswordGiven): Promise<Result<SignedIn>> => {
  throw new Error("nobody can sign in yet");
};
