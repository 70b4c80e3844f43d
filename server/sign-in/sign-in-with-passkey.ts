/** A passkey: as the first and only factor where it verified its user, as the second of a session that has the first, or to step up. */
import type { Result } from "../../core/faults.ts";
import type { TenantId } from "../../core/ids.ts";
import type { Session } from "../sessions/model.ts";
import type { SignedIn, SignIn, Visit } from "./needs.ts";

export type PasskeyGiven = {
  /** What `navigator.credentials.get` answered, as JSON. */
  readonly response: unknown;
  /** What `passkeyRequestOptions` gave with the challenge. */
  readonly challenge: string;
  readonly context: TenantId | null;
  readonly remember?: boolean;
  readonly request: Visit;
  readonly current?: Session | undefined;
};

export const signInWithPasskey = async (_needs: SignIn, _given: PasskeyGiven): Promise<Result<SignedIn>> => {
  throw new Error("nobody can sign in yet");
};
