/** Who a session is, for the person in front of the page. */
import type { Platform } from "../platform/platform.ts";
import { findUser } from "../principals/users/store.ts";
import type { Session } from "../sessions/model.ts";

export type Somebody = { readonly email: string; readonly displayName: string };

export const whoIs = async (
  { platform }: { readonly platform: Pick<Platform, "database"> },
  { home, user }: Pick<Session, "home" | "user">,
): Promise<Somebody | undefined> => {
  const found = await platform.database.transaction(home, (tx) => findUser(tx, user));
  return found && { email: found.email, displayName: found.displayName };
};
