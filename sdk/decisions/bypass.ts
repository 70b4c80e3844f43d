/** What is recorded of a request that a super admin's rule let pass: nobody inside the tenant gave this authority. */
import type { Actor } from "../../core/attribution.ts";
import type { Attributes } from "../../core/decide/types.ts";

export type BypassEntry = {
  readonly event: "super_admin_bypass";
  readonly bypass: true;
  /** RFC 3339, UTC. */
  readonly time: string;
  /** The tenant that was acted in. */
  readonly tenant_id: string;
  readonly principal: string;
  readonly subject: string;
  readonly actor: Actor | null;
  readonly permission: string;
  readonly resource: string;
  /** The rule, as the decision point named it. */
  readonly because: Attributes;
  readonly method: string;
  readonly path: string;
  readonly token_id: string;
};
