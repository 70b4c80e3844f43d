/**
 * Dynamic client registration (RFC 7591) and its management (RFC 7592): JSON in, JSON out, all at one path. Which client is meant stands in
 * `client_id` in the query, and which tenant it registers with in `tenant`; without one it is the host.
 */
import { type Fault, fault, isFault, type Result } from "../../core/faults.ts";
import { hostTenant, isUuid, parseRef, type TenantId } from "../../core/ids.ts";
import type { Model } from "../../core/model/model.ts";
import { oddText, oddTextAt } from "../../core/text.ts";
import {
  type Registered,
  type Registering,
  readRegistration,
  registerClient,
  removeRegistration,
  replaceRegistration,
  type SentMetadata,
} from "../clients/register-client.ts";
import { seconds } from "../platform/clock.ts";
import { readJson } from "../platform/web/json-body.ts";
import type { WebRequest, WebResponse } from "../platform/web/request.ts";
import { errorResponse, jsonHeaders } from "./protocol.ts";

export type RegistrationNeeds = Registering & { readonly issuer: string };

export const registrationPath = "/oauth/register";

export const registrationEndpoint = async (needs: RegistrationNeeds, request: WebRequest): Promise<WebResponse> => {
  const answer = await answered(needs, request);
  return isFault(answer) ? refuseRegistration(answer) : answer;
};

/** RFC 7591 §3.2.2, RFC 7592 §2: 401 with a Bearer challenge where the token is wrong. */
export const refuseRegistration = (failure: Fault): WebResponse => {
  const { headers, ...rest } = errorResponse(failure, false);
  const wait = failure.retryAfterSeconds === undefined ? {} : { "retry-after": String(failure.retryAfterSeconds) };
  const response = { ...rest, headers: { ...headers, ...wait } };
  // Off, or not to be had: OAuth has one word for both, and the table's status says the rest.
  if (failure.fault !== "permission_denied") return response;
  return { ...response, body: JSON.stringify({ error: "access_denied", error_description: failure.detail }) };
};

const answered = async (needs: RegistrationNeeds, request: WebRequest): Promise<Result<WebResponse>> => {
  const asker = { address: request.address(), requestId: request.requestId };
  if (request.method === "POST") {
    const tenant = tenantAsked(needs.model, request);
    if (isFault(tenant)) return tenant;
    const given = readMetadata(request);
    if (isFault(given)) return given;
    const made = await registerClient(needs, tenant, given.metadata, asker);
    return isFault(made) ? made : rendered(needs, made, 201);
  }
  const token = bearerOf(request);
  if (isFault(token)) return token;
  const clientId = textOf(request, "client_id");
  if (request.method === "GET") {
    const found = await readRegistration(needs, token.value, clientId);
    return isFault(found) ? found : rendered(needs, found, 200);
  }
  if (request.method === "DELETE") {
    const done = await removeRegistration(needs, token.value, clientId, asker);
    return isFault(done) ? done : { status: 204, headers: { "cache-control": "no-store" }, body: "" };
  }
  const changed = await replaceRegistration(needs, token.value, clientId, readMetadata(request), asker);
  return isFault(changed) ? changed : rendered(needs, changed, 200);
};

const textOf = ({ query }: WebRequest, name: string): string | undefined => {
  const value = query[name];
  return typeof value === "string" && value !== "" ? value : undefined;
};

/** A root perimeter's ref. What names none gets the answer of a tenant that has registration off. */
const tenantAsked = (model: Model, request: WebRequest): Result<TenantId> => {
  if (request.query.tenant === undefined) return hostTenant;
  const ref = parseRef(textOf(request, "tenant") ?? "");
  return ref !== undefined && isUuid(ref.id) && model.collections.get(ref.collection)?.root === true
    ? (ref.id as TenantId)
    : fault("permission_denied", "clients cannot register themselves here");
};

const bearerOf = ({ authorization }: WebRequest): Result<{ readonly value: string }> => {
  const found = /^bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
  return found === undefined
    ? fault("invalid_token", "send the registration access token as `Authorization: Bearer …`")
    : { value: found };
};

const readMetadata = ({ body, headers }: WebRequest): SentMetadata => {
  const wrong = fault("invalid_client_metadata", "send the client's metadata as one JSON object, as application/json");
  if (!/^application\/json\s*(;|$)/i.test(headers["content-type"] ?? "")) return wrong;
  const read = readJson(body);
  if (isFault(read)) return fault("invalid_client_metadata", read.detail);
  const { value } = read;
  const odd = oddTextAt(value);
  if (odd !== undefined) return fault("invalid_client_metadata", `\`${odd}\` ${oddText}`);
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? { metadata: value as Readonly<Record<string, unknown>> }
    : wrong;
};

/** Ours, and nothing that a client would look for. */
const ours: readonly string[] = [
  "access_token_format",
  "access_token_ttl_seconds",
  "refresh_token_ttl_seconds",
  "refresh_token_rotation",
  "require_pkce",
];

/** RFC 7591 §3.2.1. What is not registered is left out: many clients take no null. */
const rendered = ({ issuer }: RegistrationNeeds, registered: Registered, status: 200 | 201): WebResponse => {
  const { application, secret, token } = registered;
  const metadata = Object.fromEntries(
    Object.entries(application.metadata).filter(([name, value]) => value !== null && !ours.includes(name)),
  );
  return {
    status,
    headers: jsonHeaders,
    body: JSON.stringify({
      client_id: application.clientId,
      client_id_issued_at: seconds(application.createTime.getTime()),
      // RFC 7591 §3.2.1: 0 for a secret that does not expire.
      ...(secret === undefined ? {} : { client_secret: secret, client_secret_expires_at: 0 }),
      registration_access_token: token,
      registration_client_uri: `${issuer}${registrationPath}?client_id=${application.clientId}`,
      client_name: application.displayName,
      ...metadata,
    }),
  };
};
