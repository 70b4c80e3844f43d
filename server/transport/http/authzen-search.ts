/** AuthZEN 1.0, the search endpoints (§8): who, what and which, a page at a time. */
import Type from "typebox";
import { type Fault, fault, isFault, type Result } from "../../../core/faults.ts";
import { parseRef } from "../../../core/ids.ts";
import { listActions } from "../../decisions/list-actions.ts";
import { listResources, type Searching } from "../../decisions/list-resources.ts";
import { listSubjects } from "../../decisions/list-subjects.ts";
import { type Page, page_size_default, page_size_max, type PageAsked } from "../../decisions/paging.ts";
import { readPlace, writePlace } from "../../decisions/place-token.ts";
import { readPresented } from "../../oauth/dpop/authenticate.ts";
import type { NonceNeeds } from "../../oauth/dpop/nonces.ts";
import type { Presented } from "../../tokens/presented.ts";
import { done, refused } from "./authzen.ts";
import { nextToken, pageAsked, type Part, type SearchRequest } from "./authzen-pages.ts";
import {
  action,
  circumstancesOf,
  collectionOf,
  context,
  entity,
  page,
  permissionOf,
  questionOf,
  soughtEntity,
  subjectOf,
  tenantOf,
  tolerantly,
} from "./authzen-entities.ts";
import type { JsonAnswer, JsonRequest } from "./routes.ts";

export type SearchNeeds = Searching & NonceNeeds;

export const subjectSearchRequest = Type.Object({ subject: soughtEntity, action, resource: entity, context, page });
export const resourceSearchRequest = Type.Object({ subject: entity, action, resource: soughtEntity, context, page });
export const actionSearchRequest = Type.Object({ subject: entity, resource: entity, context, page });

type Found = { readonly results: readonly object[]; readonly next: string };
type Caller = { readonly presented: Presented; readonly jkt: string | undefined };
const nothing: Found = { results: [], next: "" };

/** §8.3: where the next page begins, an empty token on the last; and the `results`. */
const searchWith = <Request extends SearchRequest>(
  sought: Part,
  schema: Type.TSchema,
  search: (
    needs: SearchNeeds,
    request: Request & { readonly page: PageAsked },
    caller: Caller,
  ) => Promise<Result<Found>>,
) => {
  const validate = tolerantly(schema);
  return (needs: SearchNeeds) =>
    async (request: JsonRequest): Promise<JsonAnswer> => {
      const proven = await readPresented(needs, request);
      if (isFault(proven)) return refused(proven);
      const checked = validate(request.body);
      if (isFault(checked)) return refused(checked);
      const asked = checked.value as Request;
      const wanted = pageAsked(needs.pageKey, sought, asked);
      if (isFault(wanted)) return refused(wanted);
      const found = await search(needs, { ...asked, page: wanted }, proven);
      if (isFault(found)) return refused(found);
      const next_token = nextToken(needs.pageKey, sought, asked, wanted, found.next);
      return done({ page: { next_token, count: found.results.length }, results: found.results });
    };
};

const foundOf = (listed: Result<Page<string>>, type: string): Result<Found> =>
  isFault(listed)
    ? listed
    : { results: listed.items.map((ref) => ({ type, id: parseRef(ref)?.id ?? "" })), next: listed.next };

type SubjectSearch = Type.Static<typeof subjectSearchRequest>;
export const searchSubjects = searchWith<SubjectSearch>(
  "subject",
  subjectSearchRequest,
  async (needs, asked, caller) => {
    const { subject, resource } = asked;
    const circumstances = circumstancesOf(asked);
    if (isFault(circumstances)) return circumstances;
    const { context: around, properties } = circumstances;
    const search = {
      kind: collectionOf(subject.type),
      permission: permissionOf(needs.model, asked.action.name, resource.type),
      resource: parseRef(resource.id) === undefined ? `${resource.type}/${resource.id}` : resource.id,
      ...tenantOf(subject),
      ...(around === undefined ? {} : { context: around }),
      ...(properties === undefined ? {} : { properties }),
    };
    const listed = await listSubjects(needs, caller.presented, search, asked.page, caller.jkt);
    return foundOf(listed, subject.type);
  },
);

type ResourceSearch = Type.Static<typeof resourceSearchRequest>;
export const searchResources = searchWith<ResourceSearch>(
  "resource",
  resourceSearchRequest,
  async (needs, asked, caller) => {
    const { subject, resource } = asked;
    const circumstances = circumstancesOf(asked);
    if (isFault(circumstances)) return circumstances;
    const { atLeast: _, ...rest } = circumstances;
    const search = {
      // Whom nobody can be called is searched for as somebody who is not there: whether one may search at all is found out on the way.
      subject: subjectOf(subject) ?? { principal: nobody },
      permission: permissionOf(needs.model, asked.action.name, resource.type),
      type: resource.type,
      ...tenantOf(subject),
      ...rest,
    };
    const listed = await listResources(needs, caller.presented, search, asked.page, caller.jkt);
    return foundOf(listed, resource.type);
  },
);

const nobody = "users/00000000-0000-0000-0000-000000000000";

type ActionSearch = Type.Static<typeof actionSearchRequest>;
/** Of the resource's own type the action alone, as an evaluation takes it; of what may lie in it, `resource:action`. */
export const searchActions = searchWith<ActionSearch>("action", actionSearchRequest, async (needs, asked, caller) => {
  const { subject, resource } = asked;
  const question = questionOf(needs.model, { ...asked, action: { name: "" } });
  if (isFault(question)) return question;
  const search = "rule" in question ? { subject: { principal: nobody } } : question;
  const listed = await listActions(needs, caller.presented, search, caller.jkt);
  if (isFault(listed)) return listed;
  if ("rule" in question) return nothing;
  const own = `${resource.type}:`;
  const names = listed.permissions.map((one) => (one.startsWith(own) ? one.slice(own.length) : one));
  const list = ["actions", subject.type, subject.id, resource.type, resource.id].join(" ");
  return slice(needs.pageKey, list, names, asked.page);
});

/** Actions are few, and known at once: a page of them begins after a name. */
const slice = (pageKey: Buffer, list: string, names: readonly string[], asked: PageAsked): Result<Found> => {
  const from = asked.token === undefined || asked.token === "" ? { place: "" } : readPlace(pageKey, list, asked.token);
  if (isFault(from)) return from;
  if (typeof from.place !== "string") return badToken;
  const limit = Math.min(asked.limit ?? page_size_default, page_size_max);
  const after = from.place;
  const rest = names.toSorted().filter((one) => one > after);
  const shown = rest.slice(0, limit);
  const next = rest.length > shown.length ? writePlace(pageKey, list, shown.at(-1) ?? after) : "";
  return { results: shown.map((one) => ({ name: one })), next };
};

const badToken: Fault = fault("invalid_argument", "the page token is not one of this list");
