/**
 * Who an application is at an OAuth endpoint (RFC 6749 §2.3): none, client_secret_basic, client_secret_post or private_key_jwt, and only
 * in the way it is registered with.
 */
import type { Result } from "../../core/faults.ts";
import type { GuardedFetch } from "../platform/outbound/fetch.ts";
import type { Platform } from "../platform/platform.ts";
import type { WebRequest } from "../platform/web/request.ts";
import type { AuthMethod, Client } from "./model.ts";

export type ClientNeeds = { readonly platform: Platform; readonly issuer: string; readonly guardedFetch: GuardedFetch };
export type AuthenticatedClient = { readonly client: Client; readonly method: AuthMethod };
/** What of a request says who the client is. */
export type ClientSource = Pick<WebRequest, "authorization" | "form">;

/** The application the request says it is of, by Basic, `client_id` or its assertion; undefined where it is a service account's, or nobody's. */
export const applicationNamed = (_request: ClientSource): string | undefined => {
  throw new Error("not there yet");
};

/**
 * The application that calls, or `invalid_client`. `errorResponse(fault, request.authorization !== undefined)` renders the failure with
 * the challenge that RFC 6749 §5.2 asks for.
 */
export const authenticateClient = async (
  _needs: ClientNeeds,
  _request: ClientSource,
): Promise<Result<AuthenticatedClient>> => {
  throw new Error("not there yet");
};
