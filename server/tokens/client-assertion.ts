/**
 * private_key_jwt (RFC 7523 §3): a client proves itself by signing an assertion with a key it has registered, whatever kind of client it is.
 *
 * iss = sub = client_id, aud is our issuer as one string, exp is near, and jti is spent by one insert that either happens or does not.
 */
import { createHash } from "node:crypto";
import { decodeJwt, decodeProtectedHeader, importJWK, type JWK, jwtVerify } from "jose";
import { type Fault, fault, isFault, type Result } from "../../core/faults.ts";
import type { TenantId } from "../../core/ids.ts";
import type { Platform } from "../platform/platform.ts";
import { couldBeClientId } from "./basic.ts";
import { spendAssertion } from "./assertions-store.ts";

/** RFC 7521 §4.2. */
export const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** An assertion may live this long at most, so that spent ones need not be remembered longer. */
const lifetimeSecondsMax = 300;
const clockSkewSeconds = 10;
const assertionLengthMax = 4096;
const jtiLengthMax = 200;

export const assertionRefused = (why: string): Fault =>
  fault("invalid_client", `the client assertion is not accepted: ${why}`);

/** The key and the one algorithm an assertion is verified with. */
export type AssertionKey = { readonly jwk: JWK; readonly alg: string };
export type AssertionHeader = { readonly kid: string | undefined; readonly alg: string | undefined };

/** Where the client lives, and which of its keys the header means; undefined where it means none. */
export type Signer<T> = {
  readonly tenant: TenantId;
  readonly key: AssertionKey | undefined;
  readonly client: T;
};

/** The client an assertion says it is of. Nothing of it is believed yet. */
export const assertedClient = (assertion: string): string | undefined => {
  if (assertion.length > assertionLengthMax) return undefined;
  try {
    const { sub } = decodeJwt(assertion);
    return typeof sub === "string" && couldBeClientId(sub) ? sub : undefined;
  } catch {
    return undefined;
  }
};

/** `signerOf` finds the client and its key; it is asked before anything is verified. */
export const verifyAssertion = async <T>(
  { database, clock }: Pick<Platform, "database" | "clock">,
  issuer: string,
  assertion: string,
  statedClientId: string | undefined,
  signerOf: (clientId: string, header: AssertionHeader) => Promise<Signer<T> | undefined>,
): Promise<Result<T>> => {
  if (assertion.length > assertionLengthMax) return assertionRefused("it is too long");
  try {
    const claims = decodeJwt(assertion);
    const clientId = claims.sub;
    if (typeof clientId !== "string" || !couldBeClientId(clientId) || claims.iss !== clientId)
      return assertionRefused("`iss` and `sub` must both be the client_id");
    if (statedClientId !== undefined && statedClientId !== clientId)
      return assertionRefused("`client_id` names another client");
    const { kid, alg } = decodeProtectedHeader(assertion);
    const signer = await signerOf(clientId, { kid, alg });
    if (signer?.key === undefined) return assertionRefused("no registered key of that client verifies it");

    const { key } = signer;
    const now = clock.now();
    const { payload } = await jwtVerify(assertion, await importJWK(key.jwk, key.alg), {
      algorithms: [key.alg],
      currentDate: new Date(now),
      clockTolerance: clockSkewSeconds,
      requiredClaims: ["exp", "jti"],
    });
    if (payload.aud !== issuer) return assertionRefused(`\`aud\` must be \`${issuer}\`, as one string`);
    const expiresAt = (payload.exp ?? 0) * 1000;
    if (expiresAt > now + (lifetimeSecondsMax + clockSkewSeconds) * 1000)
      return assertionRefused(`\`exp\` is more than ${lifetimeSecondsMax} seconds ahead`);
    if (typeof payload.jti !== "string" || payload.jti === "" || payload.jti.length > jtiLengthMax)
      return assertionRefused("`jti` must be a short string");
    const hash = createHash("sha256").update(payload.jti).digest();
    const fresh = await database.transaction(signer.tenant, (tx) =>
      spendAssertion(tx, clientId, hash, new Date(expiresAt + clockSkewSeconds * 1000)),
    );
    return fresh ? signer.client : assertionRefused("its `jti` has been used");
  } catch (error) {
    if (isFault(error) || !isJose(error)) throw error;
    return assertionRefused("it does not verify");
  }
};

/** jose throws coded errors for what is wrong with a token, and TypeErrors for text that is no token at all. */
const isJose = (error: unknown): boolean =>
  error instanceof TypeError || (error instanceof Error && "code" in error && String(error.code).startsWith("ERR_J"));
