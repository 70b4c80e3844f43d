/**
 * `/oauth/par` (RFC 9126): a client hands its authorization request over directly, authenticated, and gets a reference for the browser to
 * carry. Everything is judged now, so that a mistake is the client's to see and never the human's.
 */
import { fault, isFault } from "../../../core/faults.ts";
import { applicationNamed, authenticateClient } from "../../clients/authenticate.ts";
import { obtainClient } from "../../clients/metadata-document.ts";
import { isMetadataDocumentId } from "../../clients/client-id.ts";
import { newId } from "../../platform/random.ts";
import { newSecret } from "../../tokens/secret-text.ts";
import { failedClient } from "../failed-client.ts";
import { checkProof, type Proving } from "../dpop/check-proof.ts";
import { errorResponse, jsonHeaders, type ProtocolRequest, type ProtocolResponse, repeated } from "../protocol.ts";
import { pushedTtlSeconds, requestUriPrefix } from "./model.ts";
import type { Authorizing } from "./needs.ts";
import { checkAll, ownParameters, readPlace } from "./read-request.ts";
import { insertRequest } from "./store.ts";

export type Pushing = Authorizing & Proving;

export const pushRequest = async (needs: Pushing, request: ProtocolRequest): Promise<ProtocolResponse> => {
  const { form, authorization } = request;
  const twice = repeated(form);
  if (twice !== undefined) return errorResponse(twice, false);
  // A metadata document that is not known yet is read first: its client has nothing else to be authenticated by.
  const named = applicationNamed(request);
  if (named !== undefined && isMetadataDocumentId(named)) await obtainClient(needs, named);
  const caller = await authenticateClient(needs, request);
  if (isFault(caller)) return errorResponse(await failedClient(needs, caller, request), authorization !== undefined);
  const { client, method } = caller;
  // A public client proves nothing, and may be anybody.
  const limited =
    method === "none" ? await needs.limits.take("authorization-request.address", request.address()) : undefined;
  if (limited !== undefined) return errorResponse(limited, false);

  // §2.1: a reference to another request is no request.
  if (form["request_uri"] !== undefined)
    return errorResponse(fault("invalid_argument", "`request_uri` cannot be pushed (RFC 9126 §2.1)"), false);
  if (form["client_id"] !== undefined && form["client_id"] !== client.clientId)
    return errorResponse(
      fault("invalid_argument", "`client_id` is another client's than the one that authenticated"),
      false,
    );
  const parameters = await ownParameters(needs, client, form);
  if (isFault(parameters)) return errorResponse(parameters, false);
  const place = readPlace(client, parameters);
  if (isFault(place)) return errorResponse(place, false);
  const checked = await checkAll(needs, client, parameters);
  if (isFault(checked)) return errorResponse(checked, false);

  // RFC 9449 §10.1: a proof says as much as `dpop_jkt`, and must not say otherwise.
  const proof = await checkProof(needs, request, {});
  if (isFault(proof)) return errorResponse(proof, false);
  if (proof !== undefined && checked.dpopJkt !== null && checked.dpopJkt !== proof.jkt)
    return errorResponse(fault("invalid_dpop_proof", "`dpop_jkt` is another key's thumbprint than the proof's"), false);

  const now = needs.platform.clock.now();
  const secret = newSecret("authorization_request", client.tenant, client.id as never);
  await needs.platform.database.transaction(client.tenant, (tx) =>
    insertRequest(tx, {
      id: newId(),
      hash: secret.hash,
      application: client.id,
      via: "pushed",
      parameters: { ...parameters, client_id: client.clientId },
      dpopJkt: proof?.jkt ?? checked.dpopJkt,
      createTime: new Date(now),
      expireTime: new Date(now + pushedTtlSeconds * 1000),
      session: null,
      bound: null,
    }),
  );
  return {
    status: 201,
    headers: jsonHeaders,
    body: JSON.stringify({ request_uri: requestUriPrefix + secret.text, expires_in: pushedTtlSeconds }),
  };
};
