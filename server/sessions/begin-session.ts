/** Begins a session, and gives it a new secret whenever what it may do changes. */
import { principalRef, type PrincipalId, type TenantId } from "../../core/ids.ts";
import { emit } from "../events/store.ts";
import type { SignInPolicy } from "../policies/model.ts";
import type { Tx } from "../platform/database/database.ts";
import { newId } from "../platform/random.ts";
import { setCookie } from "../platform/web/cookies.ts";
import { newSecret } from "../tokens/secret-text.ts";
import { ownAttribution } from "./attribution.ts";
import { type Acr, type Method, type Session, sessionCookie } from "./model.ts";
import { changeSession, insertSession } from "./store.ts";

/** So long the second factor, or enrolling one, may take. */
export const partial_session_seconds = 600;
const userAgentLengthMax = 300;
const addressLengthMax = 64;

/** A session and the `Set-Cookie` value that carries its secret, which is nowhere else. */
export type SessionInHand = { readonly session: Session; readonly cookie: string };

type Policy = Pick<SignInPolicy, "session_idle_seconds" | "session_absolute_seconds">;

export type NewSession = {
  readonly home: TenantId;
  readonly user: PrincipalId;
  readonly state: Session["state"];
  readonly methods: readonly Method[];
  readonly acr: Acr;
  /** The home tenant's. */
  readonly policy: Policy;
  readonly userAgent: string;
  readonly address: string;
  /** Ms since the epoch. */
  readonly now: number;
  readonly requestId?: string;
};

const ageSeconds = (state: Session["state"], policy: Policy): number =>
  state === "partial" ? partial_session_seconds : policy.session_absolute_seconds;

/** The cookie outlives the browser; how long the session lives is the server's to say. */
const cookieOf = (secret: string, seconds: number): string =>
  setCookie(sessionCookie, secret, { maxAgeSeconds: seconds });

/** In a transaction of the home tenant. */
export const beginSession = async (tx: Tx, spec: NewSession): Promise<SessionInHand> => {
  if (tx.tenant !== spec.home) throw new Error("a session begins in its human's home tenant");
  const secret = newSecret("session", spec.home, spec.user);
  const id = newId<string>();
  const seconds = ageSeconds(spec.state, spec.policy);
  const inserted = insertSession(tx, {
    id,
    user: spec.user,
    hash: secret.hash,
    state: spec.state,
    methods: spec.methods,
    acr: spec.acr,
    userAgent: spec.userAgent.slice(0, userAgentLengthMax),
    address: spec.address.slice(0, addressLengthMax),
    now: new Date(spec.now),
    expireTime: new Date(spec.now + seconds * 1000),
    idleSeconds: spec.policy.session_idle_seconds,
  });
  const session: Session = {
    home: spec.home,
    id,
    user: spec.user,
    state: spec.state,
    methods: spec.methods,
    acr: spec.acr,
    authTime: spec.now,
    createTime: spec.now,
  };
  // In one flight: neither waits for the other's answer.
  await Promise.all([inserted, spec.state === "full" ? tellCreated(tx, session, spec.now, spec.requestId) : undefined]);
  return { session, cookie: cookieOf(secret.text, seconds) };
};

export type Elevation = {
  readonly state: Session["state"];
  readonly methods: readonly Method[];
  readonly acr: Acr;
  readonly policy: Policy;
  readonly now: number;
  /** A factor was added to a session that was full already: when it was begun by its first one stands. */
  readonly stepUp?: boolean;
  readonly requestId?: string;
};

/** The same id with a new secret; undefined where the session has ended meanwhile. In a transaction of its home tenant. */
export const elevateSession = async (tx: Tx, session: Session, to: Elevation): Promise<SessionInHand | undefined> => {
  if (tx.tenant !== session.home) throw new Error("a session changes in its human's home tenant");
  const secret = newSecret("session", session.home, session.user);
  const stepUp = to.stepUp === true;
  const seconds = ageSeconds(to.state, to.policy);
  const authTime = stepUp ? session.authTime : to.now;
  const changed = await changeSession(tx, session, {
    hash: secret.hash,
    state: to.state,
    methods: to.methods,
    acr: to.acr,
    authTime: new Date(authTime),
    now: new Date(to.now),
    expireTime: stepUp ? null : new Date(to.now + seconds * 1000),
    idleSeconds: to.policy.session_idle_seconds,
  });
  if (!changed) return undefined;
  const elevated: Session = { ...session, state: to.state, methods: to.methods, acr: to.acr, authTime };
  if (session.state === "partial" && to.state === "full") await tellCreated(tx, elevated, to.now, to.requestId);
  return { session: elevated, cookie: cookieOf(secret.text, seconds) };
};

const tellCreated = (tx: Tx, session: Session, now: number, requestId: string | undefined): Promise<void> =>
  emit(
    tx,
    {
      type: "session.created",
      subject: `sessions/${session.id}`,
      data: { user: principalRef("human", session.user), acr: session.acr, methods: session.methods },
    },
    ownAttribution(session, requestId),
    now,
  );
