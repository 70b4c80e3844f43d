/** Which handlers of an Express application are guards, and which were declared to answer nobody. */
import type { Policy } from "./route.ts";

/** What was given as the policy, which may be none. */
export const guards = new WeakMap<object, Policy | undefined>();
export const passing = new WeakSet<object>();
