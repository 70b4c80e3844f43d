/**
 * A client that registers itself (RFC 7591), and looks after its registration with the token it was given (RFC 7592). Only where the
 * tenant's policy has it on, so many from one address and so many in all; never first party.
 */
import { unattributed } from "../../core/attribution.ts";
import { type Fault, fault, isFault, type Result } from "../../core/faults.ts";
import { formatRef, hostTenant, type PrincipalId, rootNode, type TenantId } from "../../core/ids.ts";
import { hostPlace, type Model } from "../../core/model/model.ts";
import { appendInTransaction } from "../audit/store.ts";
import { emit } from "../events/store.ts";
import type { Tx } from "../platform/database/database.ts";
import type { Limits } from "../platform/limits/limits.ts";
import type { Platform } from "../platform/platform.ts";
import { newId } from "../platform/random.ts";
import { tenantFront } from "../policies/front.ts";
import { digestOctets } from "../tokens/digest.ts";
import { newSecret, readSecret } from "../tokens/secret-text.ts";
import { newApplicationId } from "./client-id.ts";
import { clientNameOf } from "./client-name.ts";
import { endApplication } from "./end-application.ts";
import { checkMetadata, hasSecret } from "./metadata.ts";
import { type Application, collection } from "./model.ts";
import { issueSecret } from "./secrets.ts";
import {
  countLiveSecrets,
  countOf,
  endSecrets,
  findRegistered,
  insertApplication,
  updateApplication,
} from "./store.ts";

export type Registering = { readonly platform: Platform; readonly model: Model; readonly limits: Limits };

/** A registration as it stands, with what is shown in this answer alone. */
export type Registered = {
  readonly application: Application;
  readonly secret: string | undefined;
  readonly token: string;
};

type Given = Readonly<Record<string, unknown>>;
/** What a client says of itself, or why that cannot be read. In an object of ours: it may have a member called `fault`. */
export type SentMetadata = Fault | { readonly metadata: Given };
/** Who asked, for the record. */
export type Asker = { readonly address: string; readonly requestId: string };

const registeredMax = 10_000;
const nameOtherwise = "An application";

/** The same for a tenant that has it off and for one that never was. */
const notOpen = (): Fault => fault("permission_denied", "clients cannot register themselves here");

export const registerClient = async (
  { platform, model, limits }: Registering,
  tenant: TenantId,
  given: Given,
  asker: Asker,
): Promise<Result<Registered>> => {
  const front = await tenantFront(platform.database, tenant);
  if (front?.state !== "active" || front.policy.dynamic_registration !== "on") return notOpen();
  const metadata = checkMetadata(given, { source: "registered", model, tenant });
  if (isFault(metadata)) return metadata;
  const displayName = clientNameOf(given.client_name, nameOtherwise);
  if (isFault(displayName)) return displayName;
  const limited = await limits.take("client-registration.address", asker.address);
  if (limited !== undefined) return limited;

  const now = platform.clock.now();
  const at = new Date(now);
  const id = newId<string>();
  const application: Application = {
    tenant,
    id,
    node: { id: rootNode(tenant), type: tenant === hostTenant ? hostPlace : front.type },
    clientId: newApplicationId(tenant),
    displayName,
    state: "active",
    source: "registered",
    firstParty: false,
    metadata,
    revision: 1,
    createTime: at,
    updateTime: at,
  };
  const token = newSecret("registration_token", tenant, id as PrincipalId);
  return platform.database.transaction(tenant, async (tx): Promise<Result<Registered>> => {
    if ((await countOf(tx, "registered")) >= registeredMax)
      return fault("unavailable", "too many clients have registered themselves here");
    await insertApplication(tx, application, token.hash);
    const secret = hasSecret(metadata) ? await issueSecret(tx, id, at) : undefined;
    await record(tx, "registered", application, asker, now);
    return { application, secret, token: token.text };
  });
};

const refusedToken = fault("invalid_token", "the registration access token is not of this client, or of none");

/** RFC 7592 §2: the token opens the one registration it was given for. */
const withRegistration = async <T>(
  { platform }: Registering,
  token: string,
  clientId: string | undefined,
  work: (tx: Tx, application: Application) => Promise<Result<T>>,
): Promise<Result<T>> => {
  const presented = readSecret(token, ["registration_token"]);
  if (presented === undefined) return refusedToken;
  return platform.database.transaction(presented.tenant, async (tx): Promise<Result<T>> => {
    const application = await findRegistered(tx, presented.principal, digestOctets(presented.digest));
    return application === undefined || application.clientId !== clientId ? refusedToken : work(tx, application);
  });
};

export const readRegistration = (
  needs: Registering,
  token: string,
  clientId: string | undefined,
): Promise<Result<Registered>> =>
  withRegistration(needs, token, clientId, async (_tx, application) => ({ application, secret: undefined, token }));

/** Members that are ours to say (RFC 7592 §2.2). */
const notTheirs = [
  "registration_access_token",
  "registration_client_uri",
  "client_secret_expires_at",
  "client_id_issued_at",
] as const;

/** RFC 7592 §2.2: what is sent replaces what was registered, as a whole. A body that cannot be read is told to whoever has the token. */
export const replaceRegistration = (
  needs: Registering,
  token: string,
  clientId: string | undefined,
  sent: SentMetadata,
  asker: Asker,
): Promise<Result<Registered>> =>
  withRegistration(needs, token, clientId, async (tx, application) => {
    if (isFault(sent)) return sent;
    const given = sent.metadata;
    if (given.client_id !== application.clientId)
      return fault("invalid_client_metadata", "`client_id` must be the client's own");
    const ours = notTheirs.find((name) => name in given);
    if (ours !== undefined) return fault("invalid_client_metadata", `\`${ours}\` is not the client's to say`);
    const metadata = checkMetadata(given, { source: "registered", model: needs.model, tenant: tx.tenant });
    if (isFault(metadata)) return metadata;
    const displayName = clientNameOf(given.client_name, nameOtherwise);
    if (isFault(displayName)) return displayName;
    const now = needs.platform.clock.now();
    const at = new Date(now);
    const change = { display_name: displayName, metadata: { ...metadata, ...keptByUs(application) } };
    if (!(await updateApplication(tx, application.id, application.revision, change, at)))
      return fault("unavailable", "the registration has changed meanwhile; send it again");
    if (!hasSecret(metadata)) await endSecrets(tx, application.id, at);
    const needsOne = hasSecret(metadata) && (await countLiveSecrets(tx, application.id, at)) === 0;
    const secret = needsOne ? await issueSecret(tx, application.id, at) : undefined;
    const after: Application = {
      ...application,
      displayName,
      metadata: change.metadata,
      revision: application.revision + 1,
      updateTime: at,
    };
    await record(tx, "registration_updated", after, asker, now);
    return { application: after, secret, token };
  });

/** What an administrator has set stays set, whatever the client sends. */
const keptByUs = ({ metadata }: Application) => ({
  access_token_format: metadata.access_token_format,
  access_token_ttl_seconds: metadata.access_token_ttl_seconds,
  refresh_token_ttl_seconds: metadata.refresh_token_ttl_seconds,
});

/** RFC 7592 §2.3: the registration and all it was given end here. */
export const removeRegistration = (
  needs: Registering,
  token: string,
  clientId: string | undefined,
  asker: Asker,
): Promise<Result<"done">> =>
  withRegistration(needs, token, clientId, async (tx, application) => {
    const now = needs.platform.clock.now();
    if (!(await endApplication(tx, application, now)))
      return fault("unavailable", "the registration has changed meanwhile; send it again");
    await record(tx, "deleted", application, asker, now);
    return "done";
  });

/** No principal has done this: the client itself has, whoever that is. */
const record = async (
  tx: Tx,
  what: "registered" | "registration_updated" | "deleted",
  application: Application,
  { address, requestId }: Asker,
  now: number,
): Promise<void> => {
  const subject = formatRef(collection, application.id);
  const attribution = { ...unattributed, client_id: application.clientId, request_id: requestId };
  const data = { client_id: application.clientId, display_name: application.displayName };
  await emit(tx, { type: `application.${what}`, subject, data }, attribution, now);
  await appendInTransaction(tx, {
    tenant: tx.tenant,
    id: newId(),
    time: now,
    action: `applications.${what}`,
    outcome: "done",
    attribution,
    target: subject,
    targetPath: null,
    permission: null,
    bypass: false,
    because: null,
    detail: { address },
  });
};
