/**
 * Where the next page begins, handed to the caller as an opaque token and taken back only as it was given, for the query it was given
 * for.
 *
 * `base64url(HMAC-SHA-256 32 ‖ query 32 ‖ position)`: the query is a SHA-256 of what is listed and by which filter; the position is
 * the last row's time and id, of which the caller has just seen the row. The MAC covers all that follows it.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { type Fault, fault, type Result } from "../../../core/faults.ts";

/** A row's place in the order of its list. */
export type Position = {
  /** RFC 3339 in UTC with all six decimals: a Date would lose the microseconds by which rows can differ. */
  readonly time: string;
  /** A UUID. */
  readonly id: string;
};

/** Longer texts are no token of ours, and not worth decoding. */
export const page_token_length_max_characters = 512;

const hashOctets = 32;
const separator = " ";

/** The token for what comes after the position. `query` says in full what is listed: collection, tenant and filter. */
export const writePageToken = (pageKey: Buffer, query: string, { time, id }: Position): string => {
  const payload = Buffer.concat([digest(query), Buffer.from(`${time}${separator}${id}`)]);
  return Buffer.concat([mac(pageKey, payload), payload]).toString("base64url");
};

/** The position a token stands for. One that was altered, or given for another query, is an `invalid_argument` that says which. */
export const readPageToken = (pageKey: Buffer, query: string, token: string): Result<Position> => {
  if (token.length > page_token_length_max_characters) return altered;
  const octets = Buffer.from(token, "base64url");
  // Decoding forgives stray characters and spare bits; only the spelling that was handed out is taken back.
  if (octets.toString("base64url") !== token || octets.length < 2 * hashOctets) return altered;
  const payload = octets.subarray(hashOctets);
  if (!timingSafeEqual(octets.subarray(0, hashOctets), mac(pageKey, payload))) return altered;
  if (!payload.subarray(0, hashOctets).equals(digest(query))) return ofAnotherQuery;
  const [time = "", id = ""] = payload.subarray(hashOctets).toString().split(separator);
  return { time, id };
};

const digest = (query: string): Buffer => createHash("sha256").update(query).digest();

const mac = (pageKey: Buffer, payload: Buffer): Buffer => createHmac("sha256", pageKey).update(payload).digest();

const refused = (detail: string): Fault =>
  fault("invalid_argument", detail, { errors: [{ path: "$.page_token", message: detail }] });

const altered = refused("the `page_token` is not one that was given out here, or has been altered");
const ofAnotherQuery = refused(
  "the `page_token` belongs to another query; collection and `filter` stay the same from page to page",
);
