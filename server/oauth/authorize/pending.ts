/**
 * An authorization request under way, as the pages see it: who asks, for what, and what the human at the browser has still to say.
 *
 * A page knows the request by its handle alone, and after every answer sends the browser to `continueUrl`, where the request is judged
 * anew: no page decides what comes next.
 */
import type { Result } from "../../../core/faults.ts";
import type { TenantId } from "../../../core/ids.ts";
import type { Client } from "../../clients/model.ts";
import type { Platform } from "../../platform/platform.ts";
import type { Session } from "../../sessions/model.ts";

export type PendingNeeds = { readonly platform: Platform; readonly issuer: string };

export type Pending = {
  /** What `request=` of the pages carries; the `request_uri` is made of it. */
  readonly handle: string;
  readonly client: {
    readonly id: string;
    readonly name: string;
    /** Whose it is, as far as the web knows: the host name of its metadata document, or where its answers go. */
    readonly host: string;
    readonly logoUri: string | null;
    readonly policyUri: string | null;
    readonly tosUri: string | null;
    readonly firstParty: boolean;
    readonly source: Client["source"];
  };
  readonly clientTenant: TenantId;
  /** The tenant the token will be for, once it is known: asked for, chosen, or the only one there is. */
  readonly boundTenant: TenantId | null;
  readonly scopes: readonly string[];
  /** RFC 9396. */
  readonly details: readonly object[];
  readonly loginHint: string | null;
  readonly uiLocales: readonly string[];
  readonly prompt: readonly string[];
  readonly acrValues: readonly string[];
  /** Ms since the epoch: a session that began earlier does not satisfy `prompt=login`. */
  readonly createTime: number;
};

/** The request the handle names: not finished, not expired. One answer for whatever else it may be. */
export const readPending = async (_needs: PendingNeeds, _handle: string): Promise<Result<Pending>> => {
  throw new Error("not written yet");
};

/** Where the browser goes after every answer. */
export const continueUrl = (_needs: { readonly issuer: string }, _pending: Pending): string => {
  throw new Error("not written yet");
};

export type HumanTenant = {
  readonly tenant: TenantId;
  readonly displayName: string;
  /** The root perimeter's type, as in the model. */
  readonly type: string;
  /** Ms since the epoch; null where no token was ever issued for it. */
  readonly lastUsed: number | null;
};

/** The active tenants this request may be bound to, last used first. */
export const tenantsToChoose = async (
  _needs: PendingNeeds,
  _session: Session,
  _pending: Pending,
  _search?: string,
): Promise<readonly HumanTenant[]> => {
  throw new Error("not written yet");
};

export const chooseTenant = async (
  _needs: PendingNeeds,
  _session: Session,
  _pending: Pending,
  _tenant: TenantId,
): Promise<Result<void>> => {
  throw new Error("not written yet");
};

/** `shown` is the tenant the page named: consent to one tenant is never consent to another. */
export const giveConsent = async (
  _needs: PendingNeeds,
  _session: Session,
  _pending: Pending,
  _scopes: readonly string[],
  _shown?: TenantId,
): Promise<Result<void>> => {
  throw new Error("not written yet");
};

/** The URL to send the browser to. */
export const denyConsent = async (_needs: PendingNeeds, _pending: Pending): Promise<Result<string>> => {
  throw new Error("not written yet");
};
