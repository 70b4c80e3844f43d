/**
 * Reads an authorization request from wherever it is: the parameters themselves, a signed object (RFC 9101), or a request that was stored
 * (RFC 9126). Client and redirect URI come first; until both are certain nobody but the human is told what is wrong.
 */
import { type Fault, fault, isFault, type Result } from "../../../core/faults.ts";
import type { Client } from "../../clients/model.ts";
import { obtainClient } from "../../clients/metadata-document.ts";
import { digestOctets } from "../../tokens/digest.ts";
import { readSecret } from "../../tokens/secret-text.ts";
import { type Form, parameter, repeated } from "../protocol.ts";
import { checkParameters } from "./check-parameters.ts";
import {
  type CheckedRequest,
  parameterNames,
  type Place,
  requestUriPrefix,
  responseModes,
  type StoredRequest,
} from "./model.ts";
import type { RequestNeeds } from "./needs.ts";
import { readRedirectUri } from "./redirect-uri.ts";
import { openRequestObject } from "./request-object.ts";
import { readStoredRequest } from "./store.ts";

/** What was read; or a fault for the human alone; or a fault for the client, and where it is told. */
export type Reading =
  | { readonly at: "read"; readonly read: CheckedRequest }
  | { readonly at: "unanswerable"; readonly failure: Fault }
  | {
      readonly at: "refused";
      readonly failure: Fault;
      readonly place: Place;
      readonly stored: StoredRequest | undefined;
    };

const stateLengthMax = 2_000;

export const readRequest = async (needs: RequestNeeds, form: Form): Promise<Reading> => {
  const clientId = parameter(form, "client_id");
  if (isFault(clientId)) return unanswerable(clientId);
  if (clientId.value === undefined)
    return unanswerable(fault("invalid_argument", "the parameter `client_id` is missing"));
  const client = await obtainClient(needs, clientId.value);
  if (client === undefined)
    return unanswerable(fault("invalid_argument", `there is no client \`${clientId.value.slice(0, 200)}\` here`));

  const requestUri = parameter(form, "request_uri");
  if (!isFault(requestUri) && requestUri.value?.startsWith(requestUriPrefix) === true) {
    const stored = await findStored(needs, client, requestUri.value.slice(requestUriPrefix.length));
    return isFault(stored) ? unanswerable(stored) : judged(needs, client, stored.parameters, stored);
  }
  const given = await parametersOf(needs, client, form);
  if (!isFault(given)) return judged(needs, client, given, undefined);
  // The object cannot be trusted; what stands beside it says where to complain, if that is the client's at all.
  const place = readPlace(client, form);
  return isFault(place) ? unanswerable(place) : { at: "refused", failure: given, place, stored: undefined };
};

const unanswerable = (failure: Fault): Reading => ({ at: "unanswerable", failure });

/** One answer for a request that never was, is another client's, has expired, or has had its answer. */
const findStored = async (needs: RequestNeeds, client: Client, handle: string): Promise<Result<StoredRequest>> => {
  const stored = await storedNamed(needs, handle);
  return stored !== undefined && stored.tenant === client.tenant && stored.application === client.id
    ? stored
    : fault("invalid_request_uri", "this request has expired, or has been answered; start again from the application");
};

/** The request a handle names, while it waits. */
export const storedNamed = async (
  { platform }: Pick<RequestNeeds, "platform">,
  handle: string,
): Promise<StoredRequest | undefined> => {
  const secret = readSecret(handle, ["authorization_request"]);
  if (secret === undefined) return undefined;
  const stored = await readStoredRequest(platform.database, secret.tenant, handle, digestOctets(secret.digest));
  return stored !== undefined && stored.expireTime > platform.clock.now() ? stored : undefined;
};

/** The parameters that count, of a request that comes by itself. */
const parametersOf = async (needs: RequestNeeds, client: Client, form: Form): Promise<Result<Form>> => {
  const { metadata } = client;
  const twice = repeated(form);
  if (twice !== undefined) return twice;
  if (form["request_uri"] !== undefined && form["request_uri"] !== "")
    return form["request"] === undefined
      ? fault("request_uri_not_supported", "only a `request_uri` that this server gave out is taken (RFC 9126)")
      : fault("invalid_argument", "`request` and `request_uri` exclude each other");
  if (metadata.require_pushed_authorization_requests)
    return fault("invalid_argument", "the client is registered to push its requests (RFC 9126)");
  return ownParameters(needs, client, form);
};

/** The parameters, or those of the signed object that replaces them (RFC 9101 §6.3). */
export const ownParameters = async (needs: RequestNeeds, client: Client, form: Form): Promise<Result<Form>> => {
  const object = form["request"];
  if (typeof object === "string" && object !== "") {
    const opened = await openRequestObject(needs, client, object);
    return isFault(opened) ? opened : { ...opened, client_id: client.clientId };
  }
  if (client.metadata.require_signed_request_object)
    return fault("invalid_argument", "the client is registered to sign its requests (RFC 9101)");
  return Object.fromEntries(
    parameterNames.filter((name) => form[name] !== undefined && form[name] !== "").map((name) => [name, form[name]]),
  );
};

/** Where answers go. A `response_mode` or `state` that is no good is told in the plainest way there is. */
export const readPlace = (client: Client, form: Form): Result<Place> => {
  const redirect = readRedirectUri(client, form);
  if (isFault(redirect)) return redirect;
  const mode = responseModes.find((one) => one === form["response_mode"]);
  const state = form["state"];
  return {
    redirectUri: redirect.uri,
    redirectUriGiven: redirect.given,
    responseMode: mode ?? "query",
    state: typeof state === "string" && state !== "" && state.length <= stateLengthMax ? state : null,
  };
};

const judged = async (
  needs: RequestNeeds,
  client: Client,
  parameters: Form,
  stored: StoredRequest | undefined,
): Promise<Reading> => {
  const place = readPlace(client, parameters);
  if (isFault(place)) return unanswerable(place);
  const request = await checkAll(needs, client, parameters);
  if (isFault(request)) return { at: "refused", failure: request, place, stored };
  const dpopJkt = stored?.dpopJkt ?? request.dpopJkt;
  return { at: "read", read: { client, place, request: { ...request, dpopJkt }, parameters, stored } };
};

export const checkAll = async (needs: RequestNeeds, client: Client, parameters: Form) => {
  const { state } = parameters;
  return typeof state === "string" && state.length > stateLengthMax
    ? fault("invalid_argument", `\`state\` is longer than ${stateLengthMax} characters`)
    : checkParameters(needs, client, parameters);
};
