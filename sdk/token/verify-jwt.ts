/**
 * An access token as a JWT (RFC 9068 §4, RFC 8725): typed `at+jwt`, signed by a key of the issuer's with an algorithm this service allows,
 * from this issuer, for this audience, not expired. Nothing the token says about how to verify it is believed. Warm, it does no I/O.
 */
import { type JWTPayload, jwtVerify } from "jose";
import { fault, type Result } from "../../core/faults.ts";
import { Unreachable } from "../ask.ts";
import type { Settled } from "../options.ts";
import type { Platform } from "../platform.ts";
import { type Claims, readClaims } from "./claims.ts";
import type { Keys } from "./keys.ts";

export type Verifying = { readonly options: Settled; readonly platform: Platform; readonly keys: Keys };

/** Tells what is wrong with a token in words; a caller with a right one needs no more. */
export const refusedToken = fault(
  "invalid_token",
  "the token is unknown, expired, revoked or meant for another service",
);
export const noIssuer = fault("unavailable", "the token cannot be verified now", { retryAfterSeconds: 1 });

const token_length_max = 12_288;
const shape = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

export const verifyJwt = async ({ options, platform, keys }: Verifying, token: string): Promise<Result<Claims>> => {
  if (token.length > token_length_max || !shape.test(token)) return refusedToken;
  try {
    const { payload } = await jwtVerify(token, keys.find, {
      typ: "at+jwt",
      algorithms: [...options.algorithms],
      issuer: options.issuer,
      audience: [...options.audience],
      requiredClaims: ["exp", "iat", "sub", "client_id", "jti"],
      currentDate: new Date(platform.now()),
    });
    return readClaims(payload satisfies JWTPayload) ?? refusedToken;
  } catch (error) {
    return error instanceof Unreachable ? noIssuer : refusedToken;
  }
};
