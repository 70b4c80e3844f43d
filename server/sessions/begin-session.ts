/** Begins a session, and gives it a new secret whenever what it may do grows. */
import type { PrincipalId, TenantId } from "../../core/ids.ts";
import type { SignInPolicy } from "../policies/model.ts";
import type { Tx } from "../platform/database/database.ts";
import type { Acr, Method, Session } from "./model.ts";

/** A session and the `Set-Cookie` value that carries its secret, which is nowhere else. */
export type SessionInHand = { readonly session: Session; readonly cookie: string };

export type NewSession = {
  readonly home: TenantId;
  readonly user: PrincipalId;
  readonly state: Session["state"];
  readonly methods: readonly Method[];
  readonly acr: Acr;
  /** The home tenant's. */
  readonly policy: SignInPolicy;
  readonly userAgent: string;
  readonly address: string;
  readonly now: number;
};

/** In a transaction of the home tenant. */
export const beginSession = async (_tx: Tx, _spec: NewSession): Promise<SessionInHand> => {
  throw new Error("sessions are not begun yet");
};

export type Elevation = {
  readonly state: Session["state"];
  readonly methods: readonly Method[];
  readonly acr: Acr;
  readonly policy: SignInPolicy;
  readonly now: number;
};

/** The same id with a new secret; undefined where the session has ended meanwhile. */
export const elevateSession = async (
  _tx: Tx,
  _session: Session,
  _to: Elevation,
): Promise<SessionInHand | undefined> => {
  throw new Error("sessions are not elevated yet");
};
