/**
 * Who an application is at an OAuth endpoint (RFC 6749 §2.3): none, client_secret_basic, client_secret_post or private_key_jwt, and only
 * in the way it is registered with. More than one way at once is refused.
 *
 * An unknown client and a wrong secret get the same answer; the client_id of a public client is no secret, and proves nothing.
 */
import { timingSafeEqual } from "node:crypto";
import { type Fault, fault, isFault, type Result } from "../../core/faults.ts";
import type { GuardedFetch } from "../platform/outbound/fetch.ts";
import type { Platform } from "../platform/platform.ts";
import type { Form, WebRequest } from "../platform/web/request.ts";
import { type Basic, readBasic } from "../tokens/basic.ts";
import { assertedClient, assertionType, verifyAssertion } from "../tokens/client-assertion.ts";
import { digestOctets } from "../tokens/digest.ts";
import { readSecret } from "../tokens/secret-text.ts";
import { isApplicationId } from "./client-id.ts";
import type { DocumentState } from "./document-state.ts";
import { findClient } from "./find-client.ts";
import { type RemoteKeys, signingKeyOf } from "./keys.ts";
import type { AuthMethod, Client } from "./model.ts";

export type ClientNeeds = {
  readonly platform: Platform;
  readonly issuer: string;
  readonly guardedFetch: GuardedFetch;
  readonly remoteKeys: RemoteKeys;
  readonly documents: DocumentState;
};
export type AuthenticatedClient = { readonly client: Client; readonly method: AuthMethod };
/** What of a request says who the client is. */
export type ClientSource = Pick<WebRequest, "authorization" | "form">;

/** What the request tried. Nothing of it is believed yet. */
type Attempt =
  | { readonly method: "none"; readonly clientId: string }
  | {
      readonly method: "client_secret_basic" | "client_secret_post";
      readonly clientId: string;
      readonly secret: string;
    }
  | { readonly method: "private_key_jwt"; readonly clientId: string; readonly assertion: string };

const invalidClient = (): Fault =>
  fault("invalid_client", "the client is unknown, or its credentials are not accepted");
const twoWays = (): Fault => fault("invalid_argument", "the client authenticates in two ways at once; keep one");

/** The application the request says it is of, by Basic, `client_id` or its assertion; undefined where it is a service account's, or nobody's. */
export const applicationNamed = (request: ClientSource): string | undefined => {
  const named = clientNamed(request);
  return named !== undefined && isApplicationId(named) ? named : undefined;
};

/** The client the request says it is of, whatever its kind. Nothing of it is believed yet. */
export const clientNamed = ({ authorization, form }: ClientSource): string | undefined =>
  basicOf(authorization)?.clientId ?? textOf(form.client_id) ?? assertedIn(form);

const textOf = (value: Form[string]): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

const assertedIn = (form: Form): string | undefined => {
  const assertion = textOf(form.client_assertion);
  return assertion && assertedClient(assertion);
};

const basicOf = (authorization: string | undefined): Basic | undefined =>
  authorization !== undefined && /^basic /i.test(authorization)
    ? readBasic(authorization.slice("basic ".length).trim())
    : undefined;

const readAttempt = ({ authorization, form }: ClientSource): Result<Attempt> => {
  const names = ["client_id", "client_secret", "client_assertion", "client_assertion_type"] as const;
  const twice = names.find((name) => Array.isArray(form[name]));
  if (twice !== undefined) return fault("invalid_argument", `the parameter \`${twice}\` came more than once`);
  const [stated, secret, assertion] = [
    textOf(form.client_id),
    textOf(form.client_secret),
    textOf(form.client_assertion),
  ];
  if (authorization !== undefined) {
    if (secret !== undefined || assertion !== undefined) return twoWays();
    const basic = basicOf(authorization);
    // An id in the body beside the header must be the same one.
    return basic === undefined || (stated !== undefined && stated !== basic.clientId)
      ? invalidClient()
      : { method: "client_secret_basic", ...basic };
  }
  if (assertion !== undefined) {
    if (secret !== undefined) return twoWays();
    if (form.client_assertion_type !== assertionType)
      return fault("invalid_argument", `\`client_assertion_type\` must be \`${assertionType}\``);
    const clientId = stated ?? assertedClient(assertion);
    return clientId === undefined ? invalidClient() : { method: "private_key_jwt", clientId, assertion };
  }
  if (stated === undefined) return invalidClient();
  return secret === undefined
    ? { method: "none", clientId: stated }
    : { method: "client_secret_post", clientId: stated, secret };
};

/**
 * The application that calls, or `invalid_client`. `errorResponse(fault, request.authorization !== undefined)` renders the failure with
 * the challenge that RFC 6749 §5.2 asks for.
 */
export const authenticateClient = async (
  needs: ClientNeeds,
  request: ClientSource,
): Promise<Result<AuthenticatedClient>> => {
  const attempt = readAttempt(request);
  if (isFault(attempt)) return attempt;
  const client = await findClient(needs.platform, attempt.clientId);
  if (client === undefined) return invalidClient();
  const { method } = attempt;
  if (method !== client.metadata.token_endpoint_auth_method)
    return fault("invalid_client", `the client is not registered to authenticate by \`${method}\``);
  switch (attempt.method) {
    case "none":
      return { client, method };
    case "client_secret_basic":
    case "client_secret_post":
      return isSecretOf(client, attempt.secret, needs.platform.clock.now()) ? { client, method } : invalidClient();
    case "private_key_jwt": {
      const proven = await byAssertion(needs, client, attempt.assertion);
      return isFault(proven) ? proven : { client, method };
    }
  }
};

/** Every living secret is compared, in a time that does not tell how much of one was right. */
const isSecretOf = (client: Client, text: string, now: number): boolean => {
  const presented = readSecret(text, ["application_secret"]);
  if (presented === undefined || presented.tenant !== client.tenant || presented.principal !== client.id) return false;
  const hash = digestOctets(presented.digest);
  return (
    client.secrets.filter(([stored, expires]) => {
      const alike = timingSafeEqual(Buffer.from(stored, "hex"), hash);
      return alike && (expires === null || expires > now);
    }).length > 0
  );
};

const byAssertion = (needs: ClientNeeds, client: Client, assertion: string): Promise<Result<Client>> =>
  verifyAssertion(needs.platform, needs.issuer, assertion, client.clientId, async (_clientId, header) => ({
    tenant: client.tenant,
    key: await signingKeyOf(needs, client.metadata, header, client.metadata.token_endpoint_auth_signing_alg),
    client,
  }));
