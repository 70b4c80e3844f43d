/** An invitation by mail is accepted: by somebody new, who becomes a user of the tenant, or by a human who is signed in. */
import type { Result } from "../../core/faults.ts";
import type { PrincipalId, TenantId } from "../../core/ids.ts";
import type { Session } from "../sessions/model.ts";
import type { SignedIn, SignIn, Visit } from "./needs.ts";

/** What the page shows before it asks. `knownHere`: the address has an account that may accept it after signing in. */
export type InvitationShown = {
  readonly tenant: TenantId;
  readonly tenantName: string;
  readonly email: string;
  readonly displayName: string | null;
  readonly inviter: string;
};

/** Uses nothing up. `link_expired` where it is used, revoked, expired or none of ours. */
export const readInvitation = async (
  _needs: SignIn,
  _given: { readonly link: string; readonly request: Visit },
): Promise<Result<InvitationShown>> => {
  throw new Error("no invitation can be read yet");
};

/** By somebody new: makes the user, with a proven address, and signs it in. */
export const acceptInvitationAsNew = async (
  _needs: SignIn,
  _given: {
    readonly link: string;
    readonly displayName: string;
    readonly password: string;
    readonly locale: string;
    readonly request: Visit;
  },
): Promise<Result<SignedIn>> => {
  throw new Error("no invitation can be accepted yet");
};

/** By the human of this session, wherever its home is. Holding the link proves the address; the session's own may be another. */
export const acceptInvitation = async (
  _needs: SignIn,
  _session: Session,
  _given: { readonly link: string; readonly request: Visit },
): Promise<Result<{ readonly tenant: TenantId; readonly user: PrincipalId }>> => {
  throw new Error("no invitation can be accepted yet");
};
