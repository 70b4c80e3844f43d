/**
 * The client a client_id names, as it stands now: one cache round trip, and where that misses one SQL statement. It falls out of the
 * cache with its tenant's version, which every change of an application touches (invariant 7).
 *
 * Undefined for one that never was, that is deleted or disabled, or whose perimeter does not live: they are the same to everybody.
 */
import type { TenantId } from "../../core/ids.ts";
import { resolve, type Wanted } from "../authority/resolve.ts";
import { tenantVersion } from "../platform/cache/fresh-cache.ts";
import { keepParsed } from "../platform/cache/parsed.ts";
import { cacheTtlMs, type Platform } from "../platform/platform.ts";
import { digestOf } from "../tokens/digest.ts";
import { tenantOfClientId } from "./client-id.ts";
import type { Client, ClientMetadata } from "./model.ts";

/** What `application_facts` of the migrations answers: everything but what is deleted. */
export type StoredClient = {
  readonly tenant: TenantId;
  readonly id: string;
  readonly client_id: string;
  readonly display_name: string;
  readonly state: "active" | "disabled";
  readonly source: Client["source"];
  readonly first_party: boolean;
  readonly metadata: ClientMetadata;
  readonly revision: number;
  /** Ms since the epoch. */
  readonly updated: number;
  /** Of the perimeter it belongs to, and of all above it. */
  readonly tenant_state: string;
  readonly secrets: Client["secrets"];
};

export const clientOf = (stored: StoredClient | undefined): Client | undefined =>
  stored?.state === "active" && stored.tenant_state === "active"
    ? {
        tenant: stored.tenant,
        id: stored.id,
        clientId: stored.client_id,
        displayName: stored.display_name,
        source: stored.source,
        firstParty: stored.first_party,
        metadata: stored.metadata,
        secrets: stored.secrets,
      }
    : undefined;

const wantedAs = <T>(clientId: string, read: (stored: StoredClient) => T | undefined): Wanted<T> | undefined => {
  const tenant = tenantOfClientId(clientId);
  if (tenant === undefined) return undefined;
  return {
    probe: { key: `{${tenant}}:a:${digestOf(clientId)}`, versions: [tenantVersion(tenant)] },
    fromCache: (payload) => read(readStored(payload)),
    ask: () => ["application", tenant, clientId],
    fromDatabase: (answer) => {
      if (answer === null) return { value: undefined };
      const stored = answer as StoredClient;
      return { value: read(stored), keep: { payload: JSON.stringify(stored), ttlMs: cacheTtlMs } };
    },
  };
};

const found = async <T>(platform: Platform, wanted: Wanted<T> | undefined): Promise<T | undefined> =>
  wanted && (await resolve(platform, [wanted]))[0];

/** The client as a thing to resolve, for a caller that wants other things along with it; undefined where the id cannot be one. */
export const wantedClient = (clientId: string): Wanted<Client> | undefined => wantedAs(clientId, clientOf);

export const findClient = (platform: Platform, clientId: string): Promise<Client | undefined> =>
  found(platform, wantedClient(clientId));

/** The same with what is disabled or asleep. */
export const findStored = (platform: Platform, clientId: string): Promise<StoredClient | undefined> =>
  found(
    platform,
    wantedAs(clientId, (stored) => stored),
  );

const readStored = keepParsed(200, (text) => JSON.parse(text) as StoredClient);
