/** Enrolling a second factor because the tenant asks for one: a session with only the first factor becomes a full one. */
import type { Result } from "../../core/faults.ts";
import type { Session } from "../sessions/model.ts";
import type { SignedIn, SignIn, Visit } from "./needs.ts";

/** Confirms the TOTP device begun with `beginTotp` in this session. */
export const enrolTotp = async (
  _needs: SignIn,
  _session: Session,
  _given: { readonly device: string; readonly code: string; readonly request: Visit },
): Promise<Result<SignedIn>> => {
  throw new Error("nobody can enrol yet");
};

/** Registers a passkey; what the browser answered to `passkeyCreationOptions`. */
export const enrolPasskey = async (
  _needs: SignIn,
  _session: Session,
  _given: {
    readonly response: unknown;
    readonly challenge: string;
    readonly displayName: string;
    readonly request: Visit;
  },
): Promise<Result<SignedIn>> => {
  throw new Error("nobody can enrol yet");
};
