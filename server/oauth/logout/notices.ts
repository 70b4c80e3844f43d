/** Back-channel logout (OpenID Connect Back-Channel Logout 1.0): telling applications that a session has ended. */
import type { Platform } from "../../platform/platform.ts";

export type LogoutNotices = {
  /** Wakes it: something has been committed. Cheap. */
  kick(): void;
  /** Ends the delivery under way, and begins no other. */
  close(): Promise<void>;
};

export const openLogoutNotices = (_needs: Platform): LogoutNotices => {
  throw new Error("not written yet");
};
