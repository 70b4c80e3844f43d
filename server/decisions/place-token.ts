/**
 * Where a list of decisions goes on, handed out as an opaque token and taken back only as it was given, for the list it was given for.
 *
 * `base64url(HMAC-SHA-256 32 ‖ list 32 ‖ place as JSON)`: the list is a SHA-256 of whose it is and of what. The MAC covers all that follows.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { fault, type Result } from "../../core/faults.ts";

/** Room for a way through the deepest tree. */
const token_characters_max = 8_192;
const hashOctets = 32;

export const writePlace = (pageKey: Buffer, list: string, place: unknown): string => {
  const payload = Buffer.concat([digest(list), Buffer.from(JSON.stringify(place))]);
  return Buffer.concat([mac(pageKey, payload), payload]).toString("base64url");
};

/** The place a token stands for. One that was altered, or given for another list, is an `invalid_argument`. */
export const readPlace = (pageKey: Buffer, list: string, token: string): Result<{ readonly place: unknown }> => {
  if (token.length > token_characters_max) return altered;
  const octets = Buffer.from(token, "base64url");
  // Decoding forgives stray characters and spare bits; only the spelling that was handed out is taken back.
  if (octets.toString("base64url") !== token || octets.length < 2 * hashOctets) return altered;
  const payload = octets.subarray(hashOctets);
  if (!timingSafeEqual(octets.subarray(0, hashOctets), mac(pageKey, payload))) return altered;
  if (!payload.subarray(0, hashOctets).equals(digest(list))) return ofAnotherList;
  return { place: JSON.parse(payload.subarray(hashOctets).toString()) as unknown };
};

const digest = (list: string): Buffer => createHash("sha256").update(list).digest();
const mac = (pageKey: Buffer, payload: Buffer): Buffer => createHmac("sha256", pageKey).update(payload).digest();

const refused = (message: string) => fault("invalid_argument", message, { errors: [{ path: "page.token", message }] });
const altered = refused("the page token is not one that was given out here, or has been altered");
const ofAnotherList = refused("the page token belongs to another list; subject, action and resource stay as they were");
