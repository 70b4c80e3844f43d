/** What a tenant asks of the people who sign in to it. Absent members have the defaults below; the host's policy is the deployment's. */

export type SignInPolicy = {
  /** `optional`: who has a second factor is asked for it. `required`: who has none enrols at the next sign-in. */
  readonly mfa: "off" | "optional" | "required";
  /** A browser may leave out the second factor this long after it was given; 0 for never. */
  readonly remembered_device_days: number;
  readonly session_idle_seconds: number;
  readonly session_absolute_seconds: number;
  readonly password_length_min: number;
  /** Whether strangers may make an account: never, with an address of a verified domain, or always. */
  readonly self_registration: "off" | "verified_domains" | "on";
  /** The built-in role whoever registers gets; none where null. */
  readonly self_registration_role: string | null;
  /** RFC 7591 without an initial token. */
  readonly dynamic_registration: "off" | "on";
  readonly client_id_metadata_documents: "off" | "on";
  /** Signing in to this tenant asks for a password no older than this, whatever the session says; 0 for no such rule. */
  readonly reauthenticate_seconds: number;
};

export const defaultPolicy: SignInPolicy = {
  mfa: "optional",
  remembered_device_days: 30,
  session_idle_seconds: 8 * 3600,
  session_absolute_seconds: 30 * 24 * 3600,
  password_length_min: 12,
  self_registration: "off",
  self_registration_role: null,
  dynamic_registration: "off",
  client_id_metadata_documents: "off",
  reauthenticate_seconds: 0,
};
