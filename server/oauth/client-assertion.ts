/** private_key_jwt of a service account (RFC 7523 §3): by the keys it has registered, each with the one algorithm its kind is for. */
import type { Result } from "../../core/faults.ts";
import type { Platform } from "../platform/platform.ts";
import { algorithmsOf } from "../principals/service-accounts/check-keys.ts";
import { type AssertionHeader, type AssertionKey, verifyAssertion } from "../tokens/client-assertion.ts";
import { type ClientRegistration, readClient } from "./store.ts";

export { assertionType } from "../tokens/client-assertion.ts";

/** The registered key the header names; its kind fixes the algorithm. */
const keyFor = (registration: ClientRegistration, { kid, alg }: AssertionHeader): AssertionKey | undefined => {
  const keys = registration.jwks?.keys ?? [];
  const jwk = kid === undefined && keys.length === 1 ? keys[0] : keys.find((key) => key.kid === kid);
  const one = jwk && algorithmsOf(jwk).find((name) => name === alg);
  return jwk !== undefined && one !== undefined ? { jwk, alg: one } : undefined;
};

export const verifyClientAssertion = async (
  platform: Platform,
  issuer: string,
  assertion: string,
  statedClientId: string | undefined,
): Promise<Result<ClientRegistration>> =>
  verifyAssertion(platform, issuer, assertion, statedClientId, async (clientId, header) => {
    const registration = await readClient(platform.database, clientId);
    return registration && { tenant: registration.tenant, key: keyFor(registration, header), client: registration };
  });
