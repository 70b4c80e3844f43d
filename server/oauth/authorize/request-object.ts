/**
 * Signed request objects (RFC 9101): the parameters of an authorization request as a JWT, signed with a key the client has registered.
 *
 * What it says replaces the parameters beside it altogether (§6.3). It is no client assertion, and a client assertion is no request object
 * (§10.8): one that names the client as its `sub` is refused, and so is every `typ` but its own.
 */
import { decodeJwt, decodeProtectedHeader, importJWK, jwtVerify } from "jose";
import { type Fault, fault, isFault, type Result } from "../../../core/faults.ts";
import { type RemoteKeys, signingKeyOf } from "../../clients/keys.ts";
import type { Client } from "../../clients/model.ts";
import type { Platform } from "../../platform/platform.ts";
import type { Form } from "../protocol.ts";
import { parameterNames } from "./model.ts";

const objectLengthMax = 16_000;
const lifetimeSecondsMax = 3600;
const clockSkewSeconds = 10;

const refused = (why: string): Fault => fault("invalid_request_object", `the request object is not accepted: ${why}`);

export type ObjectNeeds = { readonly issuer: string; readonly platform: Platform; readonly remoteKeys: RemoteKeys };

const types = ["oauth-authz-req+jwt", "JWT", "jwt", undefined];

/** The parameters it carries. */
export const openRequestObject = async (needs: ObjectNeeds, client: Client, object: string): Promise<Result<Form>> => {
  if (object.length > objectLengthMax) return refused("it is too long");
  try {
    const { typ, kid, alg } = decodeProtectedHeader(object);
    if (!types.includes(typ)) return refused("its `typ` must be `oauth-authz-req+jwt`");
    // Nothing of it is believed here, only its sense of its own contents checked before a key is looked for.
    if (decodeJwt(object).iss !== client.clientId) return refused("its `iss` must be the client_id");
    const { metadata } = client;
    // The registered key fixes the algorithm, so `none` and a MAC are nobody's.
    const key = await signingKeyOf(needs, metadata, { kid, alg }, metadata.request_object_signing_alg);
    if (key === undefined) return refused("no registered key of the client verifies it");
    const now = needs.platform.clock.now();
    const { payload } = await jwtVerify(object, await importJWK(key.jwk, key.alg), {
      algorithms: [key.alg],
      issuer: client.clientId,
      audience: needs.issuer,
      currentDate: new Date(now),
      clockTolerance: clockSkewSeconds,
      requiredClaims: ["exp"],
    });
    if ((payload.exp ?? 0) * 1000 > now + (lifetimeSecondsMax + clockSkewSeconds) * 1000)
      return refused(`its \`exp\` is more than ${lifetimeSecondsMax} seconds ahead`);
    if (payload.sub === client.clientId) return refused("its `sub` must not be the client_id");
    if (payload["request"] !== undefined || payload["request_uri"] !== undefined)
      return refused("it carries another request");
    if (payload["client_id"] !== client.clientId) return refused("its `client_id` is another one");
    return formOf(payload);
  } catch (error) {
    if (isFault(error) || !isJose(error)) throw error;
    return refused("it does not verify");
  }
};

/** §4: numbers and JSON objects come as themselves; everywhere else they are texts. */
const formOf = (payload: Readonly<Record<string, unknown>>): Result<Form> => {
  const form: Record<string, string | readonly string[]> = {};
  for (const name of parameterNames) {
    const value = payload[name];
    if (value === undefined) continue;
    if (typeof value === "string") form[name] = value;
    else if (typeof value === "number" && name === "max_age") form[name] = String(value);
    else if (name === "resource" && isTexts(value)) form[name] = value;
    else if (typeof value === "object" && (name === "claims" || name === "authorization_details"))
      form[name] = JSON.stringify(value);
    else return refused(`\`${name}\` must be a text`);
  }
  return form;
};

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");

/** jose throws coded errors for what is wrong with a token, and TypeErrors for text that is no token at all. */
const isJose = (error: unknown): boolean =>
  error instanceof TypeError || (error instanceof Error && "code" in error && String(error.code).startsWith("ERR_J"));
