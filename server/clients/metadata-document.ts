/**
 * Clients by client ID metadata documents: a client_id that is the URL of the client's own registration. What was read is kept as an
 * application of the host, so that everything else about it is as with any other: it is listed, disabled and deleted, and codes and tokens
 * are of it. A deleted one is not read again.
 *
 * Off, until the host's policy has it on; the policy of the tenant a token is for is asked at authorize.
 */
import { isDeepStrictEqual } from "node:util";
import { hostTenant, rootNode } from "../../core/ids.ts";
import { hostPlace, type Model } from "../../core/model/model.ts";
import { newId } from "../platform/random.ts";
import { tenantFront } from "../policies/front.ts";
import type { ClientNeeds } from "./authenticate.ts";
import { isMetadataDocumentId } from "./client-id.ts";
import { clientOf, findClient, findStored, type StoredClient } from "./find-client.ts";
import type { DocumentState } from "./document-state.ts";
import type { Client } from "./model.ts";
import { freshMsDefault, isDocumentUrl, type ReadDocument, readDocument } from "./read-document.ts";
import { countOf, keepDocument } from "./store.ts";

/** A document that cannot be read again is believed this long after it last was. */
const staleMs = 24 * 3_600_000;
/** Documents never seen before that are read in a minute, by this process. Known ones are not counted. */
const newPerMinuteMax = 60;
/** Documents kept in all. */
const documentsMax = 50_000;
const rememberedMax = 5_000;

type Needs = ClientNeeds & { readonly model: Model };

/**
 * The client a client_id names where people begin: at authorize, PAR and device authorization. As `findClient`, and for a metadata
 * document's URL that is not known yet, or has grown old, it is fetched first, if the host's policy has them on.
 */
export const obtainClient = async (needs: Needs, clientId: string): Promise<Client | undefined> => {
  const { platform, documents } = needs;
  if (!isMetadataDocumentId(clientId)) return findClient(platform, clientId);
  if (!isDocumentUrl(clientId) || !(await isTurnedOn(needs))) return undefined;
  const stored = await findStored(platform, clientId);
  const now = platform.clock.now();
  if (stored !== undefined && (stored.state !== "active" || isFresh(documents, stored, now))) return clientOf(stored);
  if (stored === undefined && !mayReadNew(documents, now)) return undefined;

  const running = documents.reading.get(clientId) ?? renew(needs, clientId, stored);
  documents.reading.set(clientId, running);
  await running.finally(() => documents.reading.delete(clientId));
  const after = await findStored(platform, clientId);
  const isRead = now < (documents.freshUntil.get(clientId) ?? 0);
  // One that could not be read again is as old as it was.
  return after !== undefined && (isRead || now - after.updated < staleMs) ? clientOf(after) : undefined;
};

const isTurnedOn = async ({ platform }: Needs): Promise<boolean> =>
  (await tenantFront(platform.database, hostTenant))?.policy.client_id_metadata_documents === "on";

const isFresh = ({ freshUntil }: DocumentState, { client_id, updated }: StoredClient, now: number): boolean =>
  now < (freshUntil.get(client_id) ?? updated + freshMsDefault);

const mayReadNew = ({ recent }: DocumentState, now: number): boolean => {
  const minute = Math.floor(now / 60_000);
  if (recent.minute !== minute) {
    recent.minute = minute;
    recent.read = 0;
  }
  recent.read += 1;
  return recent.read <= newPerMinuteMax;
};

const renew = async (needs: Needs, clientId: string, stored: StoredClient | undefined): Promise<void> => {
  const { platform, guardedFetch, model, documents } = needs;
  const document = await readDocument(guardedFetch, model, clientId);
  if ("refused" in document) {
    platform.log.info(
      { client_id: clientId, refused: document.refused },
      "a client's metadata document is not accepted",
    );
    return;
  }
  if (!(await keep(needs, clientId, stored, document))) return;
  const { freshUntil } = documents;
  freshUntil.delete(clientId);
  if (freshUntil.size >= rememberedMax) freshUntil.delete(freshUntil.keys().next().value ?? "");
  freshUntil.set(clientId, platform.clock.now() + document.freshMs);
};

const keep = (
  { platform }: Needs,
  clientId: string,
  stored: StoredClient | undefined,
  { displayName, metadata }: ReadDocument,
): Promise<boolean> =>
  platform.database.transaction(hostTenant, async (tx) => {
    if (stored === undefined && (await countOf(tx, "metadata_document")) >= documentsMax) return false;
    const at = new Date(platform.clock.now());
    const changed =
      stored !== undefined && (stored.display_name !== displayName || !isDeepStrictEqual(stored.metadata, metadata));
    return keepDocument(
      tx,
      {
        tenant: hostTenant,
        id: newId(),
        node: { id: rootNode(hostTenant), type: hostPlace },
        clientId,
        displayName,
        state: "active",
        source: "metadata_document",
        firstParty: false,
        metadata,
        revision: 1,
        createTime: at,
        updateTime: at,
      },
      changed,
    );
  });
