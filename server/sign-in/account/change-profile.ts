/** A human's own name and language. */
import { fault, type Result } from "../../../core/faults.ts";
import { principalRef } from "../../../core/ids.ts";
import { emit } from "../../events/store.ts";
import { platformIdentity } from "../../principals/users/model.ts";
import { ownAttribution } from "../../sessions/attribution.ts";
import type { SignIn } from "../needs.ts";
import { type Account, writeProfile } from "../store.ts";
import { type Asking, note, withAccount } from "./visit.ts";

export type Profile = { readonly displayName: string; readonly locale: string };

export const changeProfile = (needs: SignIn, asking: Asking, profile: Profile): Promise<Result<void>> =>
  withAccount<void>(needs, asking, async (tx, account, now) => {
    const kept = keptElsewhere(account);
    if (kept !== undefined) return kept;
    await writeProfile(tx, account.user, profile, new Date(now));
    await note(tx, asking, "change-profile", now);
    const { session, request } = asking;
    const subject = principalRef("human", account.user);
    const data = { display_name: profile.displayName };
    await emit(tx, { type: "user.updated", subject, data }, ownAttribution(session, request.requestId), now);
    return undefined;
  });

/** Whom a provider vouches for is known as the provider says. */
export const keptElsewhere = ({ identitySource }: Account) =>
  identitySource === platformIdentity
    ? undefined
    : fault("not_admissible", `your identity is kept by \`${identitySource}\`; change it there`);
