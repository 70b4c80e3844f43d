/**
 * private_key_jwt (RFC 7523 §3): a client proves itself by signing an assertion with a key it has registered.
 *
 * iss = sub = client_id, aud is our issuer as one string, exp is near, and jti is spent by one insert that either happens or does not.
 */
import { createHash } from "node:crypto";
import { decodeJwt, decodeProtectedHeader, importJWK, type JWK, jwtVerify } from "jose";
import { type Fault, fault, isFault, type Result } from "../../core/faults.ts";
import type { Platform } from "../platform/platform.ts";
import { algorithmsOf } from "../principals/service-accounts/check-keys.ts";
import { type ClientRegistration, readClient, spendAssertion } from "./store.ts";

/** RFC 7521 §4.2. */
export const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** An assertion may live this long at most, so that spent ones need not be remembered longer. */
const lifetimeSecondsMax = 300;
const clockSkewSeconds = 10;
const assertionLengthMax = 4096;
const jtiLengthMax = 200;

const refused = (why: string): Fault => fault("invalid_client", `the client assertion is not accepted: ${why}`);

/** The registered key the header names; its kind fixes the algorithm. */
const keyFor = (
  registration: ClientRegistration,
  assertion: string,
): { readonly jwk: JWK; readonly alg: string } | undefined => {
  const header = decodeProtectedHeader(assertion);
  const keys = registration.jwks?.keys ?? [];
  const jwk = header.kid === undefined && keys.length === 1 ? keys[0] : keys.find((key) => key.kid === header.kid);
  const alg = jwk && algorithmsOf(jwk).find((one) => one === header.alg);
  return jwk !== undefined && alg !== undefined ? { jwk, alg } : undefined;
};

export const verifyClientAssertion = async (
  platform: Platform,
  issuer: string,
  assertion: string,
  statedClientId: string | undefined,
): Promise<Result<ClientRegistration>> => {
  if (assertion.length > assertionLengthMax) return refused("it is too long");
  try {
    const claims = decodeJwt(assertion);
    if (typeof claims.sub !== "string" || claims.iss !== claims.sub)
      return refused("`iss` and `sub` must both be the client_id");
    if (statedClientId !== undefined && statedClientId !== claims.sub)
      return refused("`client_id` names another client");
    const registration = await readClient(platform.database, claims.sub);
    const key = registration && keyFor(registration, assertion);
    if (registration === undefined || key === undefined) return refused("no registered key of that client verifies it");

    const now = platform.clock.now();
    const { payload } = await jwtVerify(assertion, await importJWK(key.jwk, key.alg), {
      algorithms: [key.alg],
      currentDate: new Date(now),
      clockTolerance: clockSkewSeconds,
      requiredClaims: ["exp", "jti"],
    });
    if (payload.aud !== issuer) return refused(`\`aud\` must be \`${issuer}\`, as one string`);
    const expiresAt = (payload.exp ?? 0) * 1000;
    if (expiresAt > now + (lifetimeSecondsMax + clockSkewSeconds) * 1000)
      return refused(`\`exp\` is more than ${lifetimeSecondsMax} seconds ahead`);
    if (typeof payload.jti !== "string" || payload.jti === "" || payload.jti.length > jtiLengthMax)
      return refused("`jti` must be a short string");
    const hash = createHash("sha256").update(payload.jti).digest();
    const fresh = await platform.database.transaction(registration.tenant, (tx) =>
      spendAssertion(tx, claims.sub as string, hash, new Date(expiresAt + clockSkewSeconds * 1000)),
    );
    return fresh ? registration : refused("its `jti` has been used");
  } catch (error) {
    if (isFault(error) || !isJose(error)) throw error;
    return refused("it does not verify");
  }
};

/** jose throws coded errors for what is wrong with a token, and TypeErrors for text that is no token at all. */
const isJose = (error: unknown): boolean =>
  error instanceof TypeError || (error instanceof Error && "code" in error && String(error.code).startsWith("ERR_J"));
