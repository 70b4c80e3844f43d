/**
 * The human's half of the device flow (RFC 8628 §3.3): finding the request by its user code, and deciding on it. Whoever types a code
 * has signed in, is told whose device it is, and is asked, also where a link has brought the code along (§3.3.1).
 */
import { fault, isFault, type Result } from "../../../core/faults.ts";
import { hostTenant, type TenantId } from "../../../core/ids.ts";
import { appendInTransaction } from "../../audit/store.ts";
import { findClient } from "../../clients/find-client.ts";
import type { Client } from "../../clients/model.ts";
import { defaultPolicy } from "../../policies/model.ts";
import type { Limits } from "../../platform/limits/limits.ts";
import type { Platform } from "../../platform/platform.ts";
import type { Tx } from "../../platform/database/database.ts";
import { newId } from "../../platform/random.ts";
import { ownAttribution } from "../../sessions/attribution.ts";
import type { Session } from "../../sessions/model.ts";
import type { AuthorizationRequest } from "../authorize/model.ts";
import { nextStep, type Step } from "../authorize/next-step.ts";
import { keepConsent, readFacts } from "../authorize/store.ts";
import { readUserCode, shownUserCode, userCodeHash } from "./model.ts";
import { markApproved, markDenied, type PendingDevice, readPendingDevice } from "./store.ts";

/** `userCodeKey` is `derivedKey(secretKey, "user codes")`. */
export type DecidingDevices = {
  readonly platform: Platform;
  readonly limits: Limits;
  readonly userCodeKey: Buffer;
};

/** What the page shows before it asks. */
export type DeviceRequest = {
  /** As it is shown: `XXXX-XXXX`. */
  readonly userCode: string;
  readonly client: {
    readonly id: string;
    readonly name: string;
    /** Whose it is, as far as the web knows; null where it says nothing. */
    readonly host: string | null;
    readonly logoUri: string | null;
    readonly policyUri: string | null;
    readonly tosUri: string | null;
    readonly firstParty: boolean;
    readonly source: Client["source"];
  };
  readonly clientTenant: TenantId;
  /** The tenant the token will be for, once it is known; null where the human has to choose (`tenantsOfHuman`). */
  readonly boundTenant: TenantId | null;
  readonly scopes: readonly string[];
  readonly details: readonly object[];
  /** What the human must do before saying yes; `consent` where nothing is left but that. */
  readonly next: Exclude<Step["at"], "done" | "error">;
};

/** Who asks, and whence: lookups are counted for both (§5.1). */
export type DeviceAsker = { readonly session: Session; readonly address: string };

const unknown = () => fault("not_found", "the code is unknown, has expired, or was decided on already");

/** `not_found` for a code that is unknown, expired or decided already: the three look alike. `tenant` is what the human has chosen. */
export const findDeviceRequest = async (
  needs: DecidingDevices,
  userCode: string,
  asker: DeviceAsker,
  tenant?: TenantId,
): Promise<Result<DeviceRequest>> => {
  const found = await look(needs, userCode, asker, tenant);
  return isFault(found) ? found : found.shown;
};

type Found = {
  readonly pending: PendingDevice;
  readonly client: Client;
  readonly bound: TenantId | null;
  readonly shown: DeviceRequest;
};

const look = async (
  needs: DecidingDevices,
  text: string,
  asker: DeviceAsker,
  chosen: TenantId | undefined,
): Promise<Result<Found>> => {
  const counted = [
    ["user-code.session", asker.session.id],
    ["user-code.address", asker.address],
  ] as const;
  for (const [name, key] of counted) {
    const limited = await needs.limits.take(name, key);
    if (limited !== undefined) return limited;
  }
  const code = readUserCode(text);
  const now = needs.platform.clock.now();
  const pending =
    code &&
    (await needs.platform.database.transaction(hostTenant, (tx) =>
      readPendingDevice(tx, userCodeHash(needs.userCodeKey, code), new Date(now)),
    ));
  const client = pending ? await findClient(needs.platform, pending.client_id) : undefined;
  if (code === undefined || !pending || client === undefined) return unknown();
  // Only wrong codes count.
  for (const [name, key] of counted) await needs.limits.giveBack(name, key);
  const judged = await judge(needs, pending, client, asker.session, chosen, now);
  return isFault(judged)
    ? judged
    : { pending, client, bound: judged.bound, shown: show(code, pending, client, judged) };
};

type Judged = { readonly bound: TenantId | null; readonly next: DeviceRequest["next"] };

/** The same rules an authorization request is held to, with the human asked whatever was agreed before. */
const judge = async (
  needs: DecidingDevices,
  pending: PendingDevice,
  client: Client,
  session: Session,
  chosen: TenantId | undefined,
  now: number,
): Promise<Result<Judged>> => {
  const settled = pending.bound_tenant_id ?? chosen ?? null;
  const stored = await readFacts(needs.platform.database, session, settled, client.clientId);
  const facts = { ...stored, policy: { ...defaultPolicy, ...stored.policy }, consent: undefined };
  const step = nextStep({
    request: requestOf(pending, settled),
    client,
    stored: {
      createTime: pending.create_time.getTime(),
      session: session.id,
      bound: settled,
      consentTime: null,
      scopes: null,
    },
    session,
    facts,
    now,
  });
  if (step.at === "error") return step.failure;
  return { bound: facts.bound, next: step.at === "done" ? "consent" : step.at };
};

const requestOf = (pending: PendingDevice, tenant: TenantId | null): AuthorizationRequest => ({
  responseMode: "query",
  responseType: "code",
  scopes: pending.scopes,
  codeChallenge: null,
  nonce: null,
  prompt: ["consent"],
  maxAge: null,
  acrValues: [],
  claims: null,
  loginHint: null,
  hintedUser: null,
  uiLocales: [],
  audience: pending.audience,
  details: pending.authorization_details ?? [],
  dpopJkt: null,
  tenant,
});

const hostOf = ({ clientId, source, metadata }: Client): string | null => {
  const url = source === "metadata_document" ? clientId : metadata.client_uri;
  return url !== null && URL.canParse(url) ? new URL(url).host : null;
};

const show = (code: string, pending: PendingDevice, client: Client, judged: Judged): DeviceRequest => ({
  userCode: shownUserCode(code),
  client: {
    id: client.clientId,
    name: client.displayName,
    host: hostOf(client),
    logoUri: client.metadata.logo_uri,
    policyUri: client.metadata.policy_uri,
    tosUri: client.metadata.tos_uri,
    firstParty: client.firstParty,
    source: client.source,
  },
  clientTenant: client.tenant,
  boundTenant: judged.bound,
  scopes: pending.scopes,
  details: pending.authorization_details ?? [],
  next: judged.next,
});

/** What the human has to do before the yes counts: the request waits. */
export type Further = "reauthenticate" | "second_factor" | "enrol";
const isFurther = (next: DeviceRequest["next"]): next is Further =>
  next === "reauthenticate" || next === "second_factor" || next === "enrol";

/** Binds the request to the human, the session and the tenant, and remembers the consent. */
export const approveDevice = async (
  needs: DecidingDevices,
  userCode: string,
  asker: DeviceAsker,
  choice: { readonly tenant: TenantId; readonly requestId: string },
): Promise<Result<"done" | Further>> => {
  const found = await look(needs, userCode, asker, choice.tenant);
  if (isFault(found)) return found;
  const { pending, client, bound, shown } = found;
  if (isFurther(shown.next)) return shown.next;
  // Consent to one tenant is never consent to another.
  if (shown.next !== "consent" || bound !== choice.tenant)
    return fault("access_denied", "the device cannot be used for that tenant");
  const { session } = asker;
  const now = needs.platform.clock.now();
  const { database } = needs.platform;
  const approved = await database.transaction(hostTenant, async (tx) => {
    const approval = {
      home: session.home,
      user: session.user,
      session: session.id,
      bound,
      acr: session.acr,
      methods: session.methods,
      authTime: new Date(session.authTime),
    };
    if (!(await markApproved(tx, pending.id, approval, new Date(now)))) return unknown();
    await record(tx, "device.approve", session, client, { ...choice, scopes: pending.scopes }, now);
    return "done";
  });
  if (isFault(approved)) return approved;
  // Remembered in the human's home. Were it lost, the human would be asked once more.
  await database.transaction(session.home, (tx) =>
    keepConsent(tx, {
      user: session.user,
      clientId: client.clientId,
      bound,
      scopes: pending.scopes,
      declined: [],
      takenBack: [],
      details: pending.authorization_details ?? [],
      now: new Date(now),
    }),
  );
  return "done";
};

export const denyDevice = async (
  needs: DecidingDevices,
  userCode: string,
  asker: DeviceAsker,
  choice: { readonly requestId: string },
): Promise<Result<"done">> => {
  const found = await look(needs, userCode, asker, undefined);
  if (isFault(found)) return found;
  const now = needs.platform.clock.now();
  return needs.platform.database.transaction(hostTenant, async (tx) => {
    if (!(await markDenied(tx, found.pending.id, new Date(now)))) return unknown();
    await record(tx, "device.deny", asker.session, found.client, { ...choice, scopes: found.pending.scopes }, now);
    return "done";
  });
};

const record = (
  tx: Tx,
  action: "device.approve" | "device.deny",
  session: Session,
  client: Client,
  what: { readonly tenant?: TenantId; readonly requestId: string; readonly scopes: readonly string[] },
  now: number,
): Promise<void> =>
  appendInTransaction(tx, {
    tenant: session.home,
    id: newId(),
    time: now,
    action,
    outcome: action === "device.approve" ? "done" : "denied",
    attribution: { ...ownAttribution(session, what.requestId), client_id: client.clientId },
    target: `applications/${client.id}`,
    targetPath: null,
    permission: null,
    bypass: false,
    because: { rule: "own" },
    detail: { scope: what.scopes.join(" "), tenant_id: what.tenant ?? null },
  });
