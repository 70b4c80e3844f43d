/**
 * A human's session in one browser, in the human's home tenant.
 *
 *     (first factor) → partial → full → ended
 *                        └────────┴──→ ended
 *
 * The id stays for the session's life (it is the `sid` of ID tokens); the secret in the cookie changes at every change of privilege.
 */
import type { Acr } from "../../core/acr.ts";
import type { PrincipalId, TenantId } from "../../core/ids.ts";

/** RFC 8176 authentication methods, as far as we have them. */
export type Method = "pwd" | "otp" | "hwk" | "swk" | "kba" | "user" | "mfa";

export { type Acr, acrs, satisfies } from "../../core/acr.ts";

export type Session = {
  readonly home: TenantId;
  readonly id: string;
  readonly user: PrincipalId;
  /** `partial`: the first factor was right, and nothing but giving the second can be done with it. */
  readonly state: "partial" | "full";
  readonly methods: readonly Method[];
  readonly acr: Acr;
  /** When the human last proved who they are; ms since the epoch. */
  readonly authTime: number;
  readonly createTime: number;
};

export const sessionCookie = "__Host-countersign";
