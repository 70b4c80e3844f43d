/**
 * Who stands behind a request: five parties that need not coincide, kept apart on every operation, audit entry and event
 * (invariant 9). Absent is null, never left out.
 */

/** RFC 8693 §4.1 `act`: the acting party, with the chain of those who acted before it nested inside. */
export type Actor = { readonly principal: string; readonly act: Actor | null };

export type Attribution = {
  /** Ref of the principal who presented credentials. */
  readonly authenticated_principal: string | null;
  /** Ref of the token's `sub`. */
  readonly subject: string | null;
  /** The party acting on the subject's behalf, where the call was delegated. */
  readonly actor: Actor | null;
  /** Ref of the principal who, in business terms, initiated the action. */
  readonly actor_of_record: string | null;
  /** Refs of the humans who agreed, where consent was asked. */
  readonly approvers: readonly string[] | null;
  /** Where the human's identity is kept: `platform`, or a provider's name; null where no human is involved. */
  readonly identity_source: string | null;
  readonly credential: string | null;
  readonly client_id: string | null;
  readonly session_id: string | null;
  readonly request_id: string | null;
  readonly trace_id: string | null;
};

/** Nobody: a request that proved no identity. */
export const unattributed: Attribution = {
  authenticated_principal: null,
  subject: null,
  actor: null,
  actor_of_record: null,
  approvers: null,
  identity_source: null,
  credential: null,
  client_id: null,
  session_id: null,
  request_id: null,
  trace_id: null,
};
