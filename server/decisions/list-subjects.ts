/** The principals of one kind who may do one thing to one resource: exactly those `check` would say yes about. */
import { decide } from "../../core/decide/decide.ts";
import { isFault, type Result } from "../../core/faults.ts";
import {
  hostTenant,
  type NodeId,
  parseRef,
  principalKindOf,
  principalRef,
  rootNode,
  type TenantId,
} from "../../core/ids.ts";
import { resolve } from "../authority/resolve.ts";
import { factsBetween } from "../operations/reach/facts-between.ts";
import { collectionOf } from "../operations/targets.ts";
import { acceptBearer } from "../tokens/bearer.ts";
import type { Presented } from "../tokens/presented.ts";
import { type Asker, refusedTo } from "./gather.ts";
import { givingOf } from "./giving.ts";
import { type Searching, searching } from "./list-resources.ts";
import { readReachingPrincipals } from "./listing-store.ts";
import { type Page, type PageAsked, pageOf } from "./paging.ts";
import { type AskedCircumstances, tenantRef } from "./question.ts";

export type SubjectSearch = Omit<AskedCircumstances, "atLeast" | "acr"> & {
  /** `users` or `service-accounts`. */
  readonly kind: string;
  /** Ref of the tenant; for callers of the host. */
  readonly tenant?: string;
  readonly permission: string;
  /** Ref of a registered node; absent means the tenant as a whole. */
  readonly resource?: string;
};

const nothing = { items: [], next: "" } as const;
const beforeAll = "00000000-0000-0000-0000-000000000000";

/** Refs. A kind, a permission or a resource there is not has nobody. */
export const listSubjects = async (
  needs: Searching,
  bearer: Presented,
  search: SubjectSearch,
  asked: PageAsked,
  jkt?: string,
): Promise<Result<Page<string>>> => {
  const { model, platform } = needs;
  const named = search.tenant === undefined ? undefined : tenantRef(model, search.tenant);
  if (isFault(named)) return named;
  const [verified] = await resolve(platform, [needs.verifier.wanted(bearer)]);
  const caller = acceptBearer(needs.issuer, bearer, verified, jkt);
  if (isFault(caller)) return caller;
  const asker: Asker = { caller, asking: searching, mayAsk: undefined };
  const refused = refusedTo(needs, asker, undefined);
  if (refused !== undefined) return refused;

  const ref = search.resource === undefined || search.resource === "" ? undefined : parseRef(search.resource);
  const kind = principalKindOf(search.kind);
  const permission = model.vocabulary.get(search.permission);
  if (kind === undefined || permission === undefined || (search.resource && ref === undefined)) return nothing;
  const root = ref !== undefined && model.collections.get(ref.collection)?.root === true ? ref.id : undefined;
  const tenant =
    named ?? (caller.tenant === hostTenant ? ((root as TenantId | undefined) ?? hostTenant) : caller.tenant);
  if (caller.tenant !== hostTenant && tenant !== caller.tenant) return nothing;
  const node = ref === undefined ? rootNode(tenant) : (ref.id as NodeId);

  const { context, properties } = search;
  const question = {
    permission: permission.name,
    at: platform.clock.now(),
    ...(context === undefined ? {} : { context }),
    ...(properties === undefined ? {} : { properties }),
  };
  const giving = givingOf(model, permission);
  const list = ["subjects", tenant, node, permission.name, kind].join(" ");
  return pageOf<string, string>(needs.pageKey, list, asked, async (place, limit) => {
    const wanted = { kind, tenant, node, now: question.at, giving, after: place ?? beforeAll, limit };
    const page = await readReachingPrincipals(platform.database, wanted);
    const facts = factsBetween(model, { bound: tenant, tenant }, page);
    const type = facts.typeOf(node);
    // A ref names a node only by the node's own collection.
    if (type === undefined || (ref !== undefined && collectionOf(model, type) !== ref.collection))
      return { items: [], place: null };
    const items = page.found.flatMap((id) => {
      const about = facts.at(id, node);
      const permits =
        about !== undefined && about.principal.kind === kind && decide(model, question, about).effect === "permit";
      return permits ? [principalRef(kind, id)] : [];
    });
    return { items, place: page.place };
  });
};
