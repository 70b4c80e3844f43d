/**
 * An authorization request under way, as the pages see it: who asks, for what, and what the human at the browser has still to say.
 *
 * A page knows the request by its handle alone, and after every answer sends the browser to `continueUrl`, where the request is judged
 * anew: no page decides what comes next.
 */
import { fault, isFault, type Result } from "../../../core/faults.ts";
import { hostTenant, type TenantId } from "../../../core/ids.ts";
import { obtainClient } from "../../clients/metadata-document.ts";
import { isMetadataDocumentId } from "../../clients/client-id.ts";
import type { Client } from "../../clients/model.ts";
import { appendInTransaction } from "../../audit/store.ts";
import { newId } from "../../platform/random.ts";
import type { Session } from "../../sessions/model.ts";
import { continuationOf } from "./authorize.ts";
import { attributionOf } from "./finish.ts";
import { type HumanTenant, type StoredRequest, waitingTtlSeconds } from "./model.ts";
import type { RequestNeeds } from "./needs.ts";
import { settledTenant } from "./next-step.ts";
import { checkAll, readPlace, storedNamed } from "./read-request.ts";
import { isCovered } from "./scope.ts";
import { answerRequest, keepConsent, readFacts } from "./store.ts";
import { tenantsOfHuman } from "./tenants.ts";

export type { HumanTenant } from "./model.ts";

export type PendingNeeds = RequestNeeds;

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
  /** Where the browser may be led from a page's form, for its `form-action`: browsers hold that against redirects too. */
  readonly formTargets: readonly string[];
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

const expired = () =>
  fault("invalid_request_uri", "this request has expired, or has been answered; start again from the application");

type Opened = { readonly client: Client; readonly stored: StoredRequest; readonly pending: Pending };

const open = async (needs: PendingNeeds, handle: string): Promise<Result<Opened>> => {
  const stored = await storedNamed(needs, handle);
  const clientId = stored?.parameters["client_id"];
  if (stored === undefined || typeof clientId !== "string") return expired();
  const client = await obtainClient(needs, clientId);
  if (client === undefined || client.tenant !== stored.tenant || client.id !== stored.application) return expired();
  const place = readPlace(client, stored.parameters);
  const request = await checkAll(needs, client, stored.parameters);
  // The client's registration may have changed since; the endpoint says what is wrong now.
  if (isFault(place) || isFault(request)) return expired();
  const { metadata } = client;
  return {
    client,
    stored,
    pending: {
      handle,
      client: {
        id: client.clientId,
        name: client.displayName,
        host: hostOf(client, place.redirectUri),
        logoUri: metadata.logo_uri,
        policyUri: metadata.policy_uri,
        tosUri: metadata.tos_uri,
        firstParty: client.firstParty,
        source: client.source,
      },
      formTargets: [targetOf(place.redirectUri)],
      clientTenant: client.tenant,
      boundTenant: request.tenant ?? (client.tenant === hostTenant ? stored.bound : client.tenant),
      scopes: request.scopes,
      details: request.details,
      loginHint: request.loginHint,
      uiLocales: request.uiLocales,
      prompt: request.prompt,
      acrValues: request.acrValues,
      createTime: stored.createTime,
    },
  };
};

/** A name or a logo proves nothing; an address is at least where the answer goes. */
const hostOf = (client: Client, redirectUri: string): string => {
  const shown = isMetadataDocumentId(client.clientId) ? client.clientId : redirectUri;
  if (!URL.canParse(shown)) return "";
  const { host, protocol } = new URL(shown);
  return host === "" ? protocol : host;
};

/** A CSP source: the origin, or the scheme of a native app. */
const targetOf = (redirectUri: string): string => {
  const { origin, protocol } = new URL(redirectUri);
  return origin === "null" ? protocol : origin;
};

/** The request the handle names: not finished, not expired. One answer for whatever else it may be. */
export const readPending = async (needs: PendingNeeds, handle: string): Promise<Result<Pending>> => {
  const opened = await open(needs, handle);
  return isFault(opened) ? opened : opened.pending;
};

/** Where the browser goes after every answer. */
export const continueUrl = (needs: { readonly issuer: string }, pending: Pick<Pending, "client" | "handle">): string =>
  continuationOf(needs.issuer, pending.client.id, pending.handle);

/** The active tenants this request may be bound to, last used first. */
export const tenantsToChoose = async (
  needs: PendingNeeds,
  session: Session,
  pending: Pending,
  search = "",
): Promise<readonly HumanTenant[]> => {
  const all = await tenantsOfHuman(needs.platform.database, session, search);
  return pending.clientTenant === hostTenant ? all : all.filter(({ tenant }) => tenant === pending.clientTenant);
};

/** Keeps what this session's human has answered. Whatever was agreed to for another tenant before is dropped. */
const answer = async (
  { platform }: PendingNeeds,
  { id, tenant, createTime }: StoredRequest,
  answers: {
    readonly session: string | null;
    readonly bound: TenantId | null;
    readonly consented: boolean;
    readonly scopes: readonly string[] | null;
  },
): Promise<Result<void>> => {
  const now = new Date(platform.clock.now());
  const { session, bound, scopes } = answers;
  const expireTime = new Date(createTime + waitingTtlSeconds * 1000);
  const kept = await platform.database.transaction(tenant, (tx) =>
    answerRequest(tx, id, { session, bound, consentTime: answers.consented ? now : null, scopes, expireTime }, now),
  );
  return kept ? undefined : expired();
};

const notFull = () => fault("permission_denied", "sign in first");

/** The tenant the token will be for. One the human does not belong to, and one there never was, get the same answer. */
export const chooseTenant = async (
  needs: PendingNeeds,
  session: Session,
  pending: Pick<Pending, "handle">,
  tenant: TenantId,
): Promise<Result<void>> => {
  if (session.state !== "full") return notFull();
  const opened = await open(needs, pending.handle);
  if (isFault(opened)) return opened;
  const { client, stored } = opened;
  const facts = await readFacts(needs.platform.database, session, tenant, client.clientId);
  const allowed = client.tenant === hostTenant || client.tenant === tenant;
  if (facts.bound !== tenant || !allowed)
    return fault("not_found", "there is no such tenant, or you do not belong to it");
  return answer(needs, stored, { session: session.id, bound: tenant, consented: false, scopes: null });
};

/**
 * The human agrees to `scopes`, or to less of what is asked for. It is remembered at the human's home, so that the same is not asked again.
 * `shown` is the tenant the page named: consent to one tenant is never consent to another.
 */
export const giveConsent = async (
  needs: PendingNeeds,
  session: Session,
  pending: Pick<Pending, "handle">,
  scopes: readonly string[],
  shown?: TenantId,
): Promise<Result<void>> => {
  if (session.state !== "full") return notFull();
  const opened = await open(needs, pending.handle);
  if (isFault(opened)) return opened;
  const { client, stored, pending: current } = opened;
  const settled = settledTenant({
    request: { tenant: current.boundTenant },
    client,
    stored,
    session,
  });
  const facts = await readFacts(needs.platform.database, session, settled, client.clientId);
  const { bound } = facts;
  if (bound === null || stored.session !== session.id || (shown !== undefined && shown !== bound))
    return fault("illegal_transition", "what was agreed to is not what is asked for any more; look again");
  const given = current.scopes.filter((scope) => scopes.includes(scope) || !isOptional(scope));
  const declined = current.scopes.filter((scope) => !given.includes(scope));
  const takenBack = (facts.consent?.scopes ?? []).filter((before) =>
    declined.some((scope) => isCovered([scope], [before])),
  );
  if (given.length === 0 && current.scopes.length > 0)
    return fault("invalid_argument", "choose at least one thing to allow, or deny the request");

  const { platform } = needs;
  const now = platform.clock.now();
  const kept = await answer(needs, stored, { session: session.id, bound, consented: true, scopes: given });
  if (isFault(kept)) return kept;
  await platform.database.transaction(session.home, async (tx) => {
    await keepConsent(tx, {
      user: session.user,
      clientId: client.clientId,
      bound,
      scopes: given,
      declined,
      takenBack,
      details: current.details,
      now: new Date(now),
    });
    await appendInTransaction(tx, {
      tenant: bound,
      id: newId(),
      time: now,
      action: "oauth.consent",
      outcome: "done",
      attribution: attributionOf(session, facts.identity_source, client.clientId, null),
      target: `applications/${client.id}`,
      targetPath: null,
      permission: null,
      bypass: false,
      because: null,
      detail: { scope: given.join(" "), declined: declined.join(" "), details: current.details.length },
    });
  });
  return undefined;
};

/** Whether a human may leave it out. Who signs in to an application tells it who they are: that is what signing in is. */
export const isOptional = (scope: string): boolean => scope !== "openid";

/** What this human has left out before, when the same application asked for the same tenant. */
export const declinedBefore = async (
  { platform }: PendingNeeds,
  session: Session,
  { client, boundTenant }: Pick<Pending, "client" | "boundTenant">,
): Promise<readonly string[]> =>
  (await readFacts(platform.database, session, boundTenant, client.id)).consent?.declined ?? [];

/** The human says no. The URL to send the browser to: the endpoint tells the client, in the way it asked to be told. */
export const denyConsent = async (needs: PendingNeeds, pending: Pick<Pending, "handle">): Promise<Result<string>> => {
  const opened = await open(needs, pending.handle);
  if (isFault(opened)) return opened;
  const { session, bound } = opened.stored;
  const kept = await answer(needs, opened.stored, { session, bound, consented: false, scopes: [] });
  return isFault(kept) ? kept : continueUrl(needs, opened.pending);
};
