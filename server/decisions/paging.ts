/** Pages of decisions: candidates are read, each is decided, and what is left over is the next page's. */
import { fault, isFault, type Result } from "../../core/faults.ts";
import { readPlace, writePlace } from "./place-token.ts";

/** What is asked for. `limit` absent is 100; `token` absent or empty begins. */
export type PageAsked = { readonly limit?: number | undefined; readonly token?: string | undefined };

/** `next` is empty on the last page, and on no other. A page may hold less than was asked for and not be the last. */
export type Page<Item> = { readonly items: readonly Item[]; readonly next: string };

export const page_size_default = 100;
export const page_size_max = 1_000;
/** Statements one page may take, where most of what is found is decided against. */
const rounds_max = 8;

/** What one statement found: what was decided for, and where to go on; null where nothing is left. */
export type Round<Item, Place> = { readonly items: readonly Item[]; readonly place: Place | null };

/** `list` says in full what is listed and for whom, so that a token of one list is none of another. */
export const pageOf = async <Item, Place>(
  pageKey: Buffer,
  list: string,
  asked: PageAsked,
  read: (place: Place | null, limit: number) => Promise<Round<Item, Place>>,
): Promise<Result<Page<Item>>> => {
  const limit = Math.min(asked.limit ?? page_size_default, page_size_max);
  if (!Number.isInteger(limit) || limit < 0) return fault("invalid_argument", "the page limit must be 0 or more");
  const from =
    asked.token === undefined || asked.token === "" ? { place: null } : readPlace(pageKey, list, asked.token);
  if (isFault(from)) return from;
  let place = from.place as Place | null;
  const items: Item[] = [];
  for (let round = 0; round < rounds_max && items.length < limit; round++) {
    const found = await read(place, limit - items.length);
    items.push(...found.items);
    place = found.place;
    if (place === null) return { items, next: "" };
  }
  return { items, next: writePlace(pageKey, list, place) };
};
