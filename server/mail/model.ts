/** Mail the server sends: which, to whom, in which language. The words are in the message catalogue, one template a kind. */
import type { TenantId } from "../../core/ids.ts";

/** What each template says besides its words. `url` holds a secret: it is sealed wherever it is kept. */
export type MailContent =
  | { readonly template: "verify_email"; readonly url: string }
  | { readonly template: "reset_password"; readonly url: string }
  | { readonly template: "invitation"; readonly url: string; readonly tenantName: string; readonly inviter: string }
  /** Somebody tried to register an address that has an account. */
  | { readonly template: "account_exists"; readonly url: string }
  | { readonly template: "password_changed" }
  | { readonly template: "new_sign_in"; readonly device: string; readonly address: string; readonly time: string }
  | { readonly template: "second_factor_changed"; readonly change: string };

export type Mail = MailContent & {
  readonly to: string;
  /** A BCP 47 language tag the catalogue has. */
  readonly locale: string;
  /** Whose name, logo and colour it carries; null for the deployment's own. */
  readonly tenant: TenantId | null;
};
