/**
 * Reading a client ID metadata document (draft-ietf-oauth-client-id-metadata-document): the URL's own rules, the fetch, and what must be
 * in it. Nothing that went wrong is remembered.
 */
import { isFault } from "../../core/faults.ts";
import { hostTenant } from "../../core/ids.ts";
import type { Model } from "../../core/model/model.ts";
import type { GuardedFetch, OutboundAnswer } from "../platform/outbound/fetch.ts";
import { clientIdLengthMax } from "./client-id.ts";
import { clientNameOf } from "./client-name.ts";
import { checkMetadata } from "./metadata.ts";
import type { ClientMetadata } from "./model.ts";
import { jsonIn } from "../platform/web/json-body.ts";

const octetsMax = 10_000;
const timeoutMs = 5_000;
const freshMsMin = 5 * 60_000;
const freshMsMax = 24 * 3_600_000;
/** Where the answer does not say how long it is good for. */
export const freshMsDefault = 3_600_000;

/** A document that says what it must. `freshMs` is how long it need not be read again. */
export type ReadDocument = {
  readonly displayName: string;
  readonly metadata: ClientMetadata;
  readonly freshMs: number;
};

/**
 * §3: https, a path, no fragment, no credentials, no dot segments. A URL that a parser would write in another way is another text for the
 * same thing, and a client_id is compared as text; a query would make one document a thousand clients.
 */
export const isDocumentUrl = (clientId: string): boolean => {
  if (clientId.length > clientIdLengthMax || !clientId.startsWith("https://") || !URL.canParse(clientId)) return false;
  const { href, pathname, search, hash, username, password } = new URL(clientId);
  return href === clientId && pathname !== "/" && search + hash + username + password === "" && !/[?#]/.test(clientId);
};

export const readDocument = async (
  guardedFetch: GuardedFetch,
  model: Model,
  clientId: string,
): Promise<ReadDocument | { readonly refused: string }> => {
  const answer = await guardedFetch(clientId, { octetsMax, timeoutMs, headers: { accept: "application/json" } });
  if ("refused" in answer) return answer;
  if (answer.status !== 200) return { refused: `the document was answered with ${answer.status}` };
  if (!/^application\/([a-z0-9.-]+\+)?json\s*(;|$)/i.test(answer.headers["content-type"] ?? ""))
    return { refused: "the document is no JSON" };
  const document = parsed(answer);
  if (document === undefined) return { refused: "the document is no JSON object" };
  if (document.client_id !== clientId) return { refused: "the document's `client_id` is not its URL" };
  // §4.1: whoever reads the document would know it.
  const shared = ["client_secret", "client_secret_expires_at"].find((name) => name in document);
  if (shared !== undefined) return { refused: `the document has \`${shared}\`` };
  const metadata = checkMetadata(document, { source: "metadata_document", model, tenant: hostTenant });
  if (isFault(metadata)) return { refused: metadata.detail };
  const displayName = clientNameOf(document.client_name, new URL(clientId).host);
  if (isFault(displayName)) return { refused: displayName.detail };
  return { displayName, metadata, freshMs: freshMsOf(answer) };
};

const parsed = ({ body }: OutboundAnswer): Readonly<Record<string, unknown>> | undefined => {
  const value = jsonIn(body.toString());
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
};

/** RFC 9111 §5.2.2, within bounds of ours. */
const freshMsOf = ({ headers }: OutboundAnswer): number => {
  const control = headers["cache-control"] ?? "";
  if (/\bno-(store|cache)\b/i.test(control)) return freshMsMin;
  const age = /\bmax-age=(\d{1,9})\b/i.exec(control)?.[1];
  return age === undefined ? freshMsDefault : Math.min(Math.max(Number(age) * 1000, freshMsMin), freshMsMax);
};
