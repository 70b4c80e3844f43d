/** What is known of the handlers and applications of Express: which are guards, which answer nobody, which is mounted where, which were looked at. */
import type { Policy } from "./route.ts";

/** What was given as the policy, which may be none. */
export const guards = new WeakMap<object, Policy | undefined>();
export const passing = new WeakSet<object>();
/** By the function Express puts in the stack for a mounted application, the application. */
export const mounted = new WeakMap<object, object>();
/** Guards and applications that stand in a table in which every route has a policy. A guard that does not is shut. */
export const checked = new WeakSet<object>();
