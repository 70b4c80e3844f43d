/** Mail the server sends: which, to whom, in which language. The words are in the message catalogue, one template a kind. */
import type { TenantId } from "../../core/ids.ts";

/** What has changed about how a human proves who they are. */
export type FactorChange =
  | "totp_added"
  | "totp_removed"
  | "passkey_added"
  | "passkey_removed"
  | "recovery_codes_renewed"
  | "recovery_code_used"
  | "reset_by_administrator";

/** What each template says besides its words. `url` holds a secret: it is sealed wherever it is kept. */
export type MailContent =
  | { readonly template: "verify_email"; readonly url: string }
  | { readonly template: "reset_password"; readonly url: string }
  | { readonly template: "invitation"; readonly url: string; readonly tenantName: string; readonly inviter: string }
  /** Somebody tried to register an address that has an account. */
  | { readonly template: "account_exists"; readonly url: string }
  | { readonly template: "password_changed" }
  /** By a link that was mailed: more ends then than by changing it. */
  | { readonly template: "password_reset" }
  /** `time` is ISO 8601. */
  | { readonly template: "new_sign_in"; readonly device: string; readonly address: string; readonly time: string }
  | { readonly template: "second_factor_changed"; readonly change: FactorChange }
  /** To the new address: using the link proves it. */
  | { readonly template: "change_email"; readonly url: string }
  /** To the old address, once the new one is proven. */
  | { readonly template: "email_changed"; readonly newEmail: string };

export type Mail = MailContent & {
  readonly to: string;
  /** A BCP 47 language tag the catalogue has. */
  readonly locale: string;
  /** Whose name, logo and colour it carries; null for the deployment's own. */
  readonly tenant: TenantId | null;
};
