/** What the log says of signing in: who, how, from where, and why not. Never an address that is nobody's, and never a secret. */
import { unattributed } from "../../core/attribution.ts";
import { hostTenant, type PrincipalId, principalRef, type TenantId } from "../../core/ids.ts";
import type { AuditEntry } from "../audit/model.ts";
import { appendInTransaction } from "../audit/store.ts";
import type { Tx } from "../platform/database/database.ts";
import { newId } from "../platform/random.ts";
import { ownAttribution } from "../sessions/attribution.ts";
import { deviceName } from "../sessions/device-name.ts";
import type { SignIn, Visit } from "./needs.ts";

type Human = { readonly home: TenantId; readonly user: PrincipalId };

export type Step = {
  /** `sign-in.password` and so on. */
  readonly action: string;
  readonly outcome: AuditEntry["outcome"];
  /** Undefined where nobody is known to be meant: the host's log has it. */
  readonly human: Human | undefined;
  readonly session?: string;
  readonly request: Visit;
  readonly now: number;
  readonly detail?: Readonly<Record<string, unknown>>;
};

const entryOf = ({ action, outcome, human, session, request, now, detail }: Step): AuditEntry => ({
  tenant: human?.home ?? hostTenant,
  id: newId(),
  time: now,
  action,
  outcome,
  // A failed attempt proves nothing about who made it; the target says whose account it was made on.
  attribution:
    human === undefined || outcome !== "done"
      ? { ...unattributed, request_id: request.requestId }
      : ownAttribution({ user: human.user, ...(session === undefined ? {} : { id: session }) }, request.requestId),
  target: human === undefined ? null : principalRef("human", human.user),
  targetPath: null,
  permission: null,
  bypass: false,
  because: { rule: "sign-in" },
  detail: { address: request.address(), device: deviceName(request.headers["user-agent"] ?? "") ?? null, ...detail },
});

/** In the transaction of what it is about. */
export const record = (tx: Tx, step: Step): Promise<void> => appendInTransaction(tx, entryOf(step));

/** In a transaction of its own: nothing else has happened. The same for somebody and for nobody. */
export const recordAlone = ({ platform }: Pick<SignIn, "platform">, step: Step): Promise<void> =>
  platform.database.transaction(step.human?.home ?? hostTenant, (tx) => record(tx, step));
