/**
 * AuthZEN 1.0 §8.2: a page token is good for the request it was given for, whole. What may be left out of the next one is the limit, which is
 * then the first one's, as in the specification's own example.
 *
 * `place "." limit "." HMAC-SHA-256 of the request, the limit and the place`: the place is the list's own token (place-token.ts).
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { fault, type Result } from "../../../core/faults.ts";
import type { PageAsked } from "../../decisions/paging.ts";

type Sought = {
  readonly type?: unknown;
  readonly id?: unknown;
  readonly name?: unknown;
  readonly properties?: unknown;
};

/** A request of any of the three, as it was sent. */
export type SearchRequest = {
  readonly subject: Sought;
  readonly action?: Sought;
  readonly resource: Sought;
  readonly context?: unknown;
  readonly page?: PageAsked & { readonly properties?: unknown };
};

/** What is looked at of a request: not its unknown fields, and not the id of what is searched for. */
export type Part = "subject" | "action" | "resource";

export const pageAsked = (pageKey: Buffer, sought: Part, request: SearchRequest): Result<PageAsked> => {
  const { limit, token = "" } = request.page ?? {};
  if (token === "") return limit === undefined ? {} : { limit };
  const [place = "", limitText = "", proof = "", ...rest] = token.split(".");
  const given = Buffer.from(proof, "base64url");
  const due = proofOf(pageKey, sought, request, limitText, place);
  if (rest.length > 0 || given.length !== due.length || !timingSafeEqual(given, due)) return ofAnotherRequest;
  if (limit !== undefined && String(limit) !== limitText) return anotherLimit;
  return { token: place, ...(limitText === "" ? {} : { limit: Number(limitText) }) };
};

/** Empty where nothing follows. */
export const nextToken = (
  pageKey: Buffer,
  sought: Part,
  request: SearchRequest,
  { limit }: PageAsked,
  place: string,
): string => {
  if (place === "") return "";
  const limitText = limit === undefined ? "" : String(limit);
  return [place, limitText, proofOf(pageKey, sought, request, limitText, place).toString("base64url")].join(".");
};

const proofOf = (pageKey: Buffer, sought: Part, request: SearchRequest, limit: string, place: string): Buffer => {
  const { context, page } = request;
  const part = (name: Part): unknown => {
    const { type, id, name: called, properties } = request[name] ?? {};
    return { type, name: called, properties, ...(name === sought ? {} : { id }) };
  };
  const asked = {
    sought,
    subject: part("subject"),
    resource: part("resource"),
    ...(sought === "action" ? {} : { action: part("action") }),
    context,
    properties: page?.properties,
    limit,
    place,
  };
  return createHmac("sha256", pageKey)
    .update(`authzen page ${JSON.stringify(asked, inOrder)}`)
    .digest();
};

/** §10.1.1: the order of members means nothing. */
const inOrder = (_: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)))
    : value;

const refused = (path: string, message: string) => fault("invalid_argument", message, { errors: [{ path, message }] });
const ofAnotherRequest = refused(
  "page.token",
  "the page token was given for another request, or has been altered; subject, action, resource, context and page.properties stay as they were",
);
const anotherLimit = refused("page.limit", "the limit stays as it was on the first page, or is left out");
