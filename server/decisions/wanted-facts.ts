/**
 * The facts a decision is made of, as one thing to resolve: from the cache, or from the database where the cache has none, or none that
 * knows of what a consistency token names.
 *
 * Facts are kept with the snapshot they were read under, so that an answer from the cache can say how recent it is, too.
 */
import { relevantTo } from "../../core/decide/relevant.ts";
import type { Facts } from "../../core/decide/types.ts";
import type { NodeId, PrincipalId, TenantId } from "../../core/ids.ts";
import type { Model } from "../../core/model/model.ts";
import type { Principal } from "../authority/caller.ts";
import { factsOf, nearestExpiry } from "../authority/facts.ts";
import type { Wanted } from "../authority/resolve.ts";
import { factsLookup, relevantFactsLookup, type StoredFacts } from "../authority/store.ts";
import { keepParsed } from "../platform/cache/parsed.ts";
import { principalVersion, tenantVersion } from "../platform/cache/fresh-cache.ts";
import { cacheTtlMs, type Platform } from "../platform/platform.ts";
import { type ConsistencyToken, satisfies } from "./consistency.ts";

/** Whose facts, bound to which tenant, at which node of which tenant. */
export type FactsAsked = {
  readonly bound: TenantId;
  readonly principal: PrincipalId;
  readonly tenant: TenantId;
  readonly node: NodeId;
  /** Whether the whole path is wanted, for an explanation; else only what a decision looks at. */
  readonly whole?: boolean;
};

/** What was found, and how recently: `facts` is undefined where there is no such node; `read` is for `tokenOf` and `satisfies`. */
export type FactsFound = { readonly facts: Facts | undefined; readonly read: string };

export type FactsNeeds = { readonly platform: Platform; readonly model: Model; readonly modelVersion: string };

/**
 * `atLeast` is a demand: what is cached and does not meet it is passed over. Whether the database itself meets it is for whoever gets the
 * answer to look at (`satisfies(found.read, atLeast)`, else `notThatRecent`), since a wanted thing has no fault to give.
 */
export const wantedFacts = (
  { platform, model, modelVersion }: FactsNeeds,
  { bound, principal, tenant, node, whole = false }: FactsAsked,
  atLeast?: ConsistencyToken,
): Wanted<FactsFound> => ({
  probe: {
    key: `{${tenant}}:${whole ? "fw" : "f"}:${modelVersion}:${bound}:${principal}:${node}`,
    versions: [tenantVersion(tenant), principalVersion(bound, principal)],
  },
  fromCache: unpack,
  ...(atLeast === undefined ? {} : { suffices: (payload) => satisfies(readOf(payload), atLeast) }),
  ask: () =>
    whole ? factsLookup(bound, null, principal, tenant, node) : relevantFactsLookup(bound, principal, tenant, node),
  fromDatabase: (answer) => {
    const stored = answer as StoredFacts;
    const who: Principal = { kind: stored.kind ?? "human", id: principal };
    const found = factsOf(model, { principal: who, bound, tenant, node }, stored);
    const facts = found === undefined || whole ? found : relevantTo(found);
    const value = { facts, read: stored.read };
    // That there is no such node is not kept: it may be made in the next moment, and nothing would say so.
    if (facts === undefined) return { value };
    const ttlMs = Math.min(cacheTtlMs, nearestExpiry(facts) - platform.clock.now());
    return { value, keep: { payload: pack(stored.read, facts), ttlMs } };
  },
});

/** `snapshot ‖ space ‖ facts`: a snapshot has no space, and can be looked at without parsing the rest. */
const pack = (read: string, facts: Facts): string => `${read} ${JSON.stringify(facts)}`;
const readOf = (payload: string): string => payload.slice(0, payload.indexOf(" "));
const unpack = keepParsed(1_000, (payload): FactsFound => {
  const space = payload.indexOf(" ");
  return { facts: JSON.parse(payload.slice(space + 1)) as Facts, read: payload.slice(0, space) };
});
