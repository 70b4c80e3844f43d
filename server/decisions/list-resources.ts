/**
 * The registered nodes of one type a principal may do one thing to: exactly those `check` would say yes about.
 *
 * Candidates come from what is given to the principal, not from all there is; every one of them is decided like any other question.
 */
import { decide } from "../../core/decide/decide.ts";
import { isFault, type Result } from "../../core/faults.ts";
import { formatRef } from "../../core/ids.ts";
import type { Model } from "../../core/model/model.ts";
import { resolve } from "../authority/resolve.ts";
import { acceptBearer } from "../tokens/bearer.ts";
import type { Presented } from "../tokens/presented.ts";
import { type Asker, type Asking, type Deciding, isForeign, questionFor, refusedTo } from "./gather.ts";
import { givingOf, waysTo } from "./giving.ts";
import { factsOfPage } from "./list-facts.ts";
import { type Place, readNodesInReach } from "./listing-store.ts";
import { type Page, type PageAsked, pageOf } from "./paging.ts";
import { type AskedCircumstances, placeOf, type Subject, subjectOf, tenantRef } from "./question.ts";

export type Searching = Deciding & { readonly pageKey: Buffer };

export type ResourceSearch = Omit<AskedCircumstances, "atLeast"> & {
  readonly subject: Subject;
  /** Ref of the tenant; for callers of the host. */
  readonly tenant?: string;
  /** `resource:action`. */
  readonly permission: string;
  /** A collection: `accounts`, `documents`. */
  readonly type: string;
};

export const searching: Asking = {
  permission: "access:search",
  deed: "listing what others may do",
  self: false,
};

const nothing = { items: [], next: "" } as const;

/** Refs. What nobody can reach, as a type or a permission there is not, is an empty list and no fault. */
export const listResources = async (
  needs: Searching,
  bearer: Presented,
  search: ResourceSearch,
  asked: PageAsked,
  jkt?: string,
): Promise<Result<Page<string>>> => {
  const { model, platform } = needs;
  const named = search.tenant === undefined ? undefined : tenantRef(model, search.tenant);
  if (isFault(named)) return named;
  const subject = subjectOf(search.subject);
  if (isFault(subject)) return subject;
  const token = subject?.token;
  const [verifiedCaller, verified] = await resolve(
    platform,
    [bearer, ...(token === undefined ? [] : [token])].map(needs.verifier.wanted),
  );
  const caller = acceptBearer(needs.issuer, bearer, verifiedCaller, jkt);
  if (isFault(caller)) return caller;

  const asker: Asker = { caller, asking: searching, mayAsk: undefined };
  const refused = refusedTo(needs, asker, subject?.principal);
  if (refused !== undefined) return refused;
  if (subject === undefined || (token !== undefined && verified === undefined)) return nothing;
  const where = placeOf(subject, caller.tenant, named, undefined);
  const permission = model.vocabulary.get(search.permission);
  const type = storedType(model, search.type);
  if (permission === undefined || type === undefined || isForeign(asker, where)) return nothing;

  const standing = verified?.standing();
  const kind = subject.kind ?? standing?.principal.kind ?? "human";
  const question = questionFor(needs, asker, { principal: subject.principal, question: search }, standing);
  const wanted = {
    principal: { kind, id: subject.principal },
    ...where,
    now: question.at,
    type,
    below: waysTo(model, type),
    giving: givingOf(model, permission),
  };
  const list = ["resources", where.bound, where.tenant, subject.principal, permission.name, type].join(" ");
  return pageOf<string, Place>(needs.pageKey, list, asked, async (place, limit) => {
    const page = await readNodesInReach(platform.database, { ...wanted, place, limit });
    const items = factsOfPage(model, wanted, type, page).flatMap(([node, facts]) =>
      decide(model, question, facts).effect === "permit" ? [formatRef(search.type, node)] : [],
    );
    return { items, place: page.place };
  });
};

/** The type nodes of a collection are stored with. */
const storedType = (model: Model, collection: string): string | undefined =>
  model.collections.get(collection)?.type ?? model.resources.get(collection)?.type;
