/** The second factor: a TOTP code or a recovery code. Of a session that has only the first, or of one that steps up. */
import type { Result } from "../../core/faults.ts";
import type { Session } from "../sessions/model.ts";
import type { SignedIn, SignIn, Visit } from "./needs.ts";

export type SecondFactorGiven = {
  readonly kind: "totp" | "recovery_code";
  readonly code: string;
  /** Whether this browser may leave it out next time, where the tenant allows that. */
  readonly remember: boolean;
  readonly request: Visit;
};

export const giveSecondFactor = async (
  _needs: SignIn,
  _session: Session,
  _given: SecondFactorGiven,
): Promise<Result<SignedIn>> => {
  throw new Error("nobody can sign in yet");
};
