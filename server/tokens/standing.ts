/**
 * The verify path: whether a presented credential stands, and who stands behind it.
 *
 * Warm, it is SHA-256 and one cache round trip for all credentials of a request. Cold, it is one SQL statement for all of them, and
 * for a JWT one signature check first. It writes nothing to the database (invariant 6), keeps nothing in the process (invariant 7), and what it
 * keeps in the cache falls with the tenant's or the principal's version.
 */
import type { Facts } from "../../core/decide/types.ts";
import { hostTenant, principalRef, rootNode, type TenantId } from "../../core/ids.ts";
import type { Model } from "../../core/model/model.ts";
import type { CredentialKind, Principal } from "../authority/caller.ts";
import { factsOf, nearestExpiry } from "../authority/facts.ts";
import { resolve, type Wanted } from "../authority/resolve.ts";
import { factsLookup, type Lookup, noFacts, type StoredFacts } from "../authority/store.ts";
import { principalVersion, tenantVersion } from "../platform/cache/fresh-cache.ts";
import { keepParsed } from "../platform/cache/parsed.ts";
import { cacheTtlMs, type Platform } from "../platform/platform.ts";
import { seconds } from "../platform/clock.ts";
import { type VerifiedJwt, verifyJwt } from "./access-token.ts";
import type { Presented, PresentedCertificate } from "./presented.ts";
import type { SigningKeys } from "./signing-keys.ts";
import {
  credentialLookup,
  jwtLookup,
  type StoredCredential,
  type StoredFamily,
  type StoredJwtStanding,
  type TokenExtra,
} from "./stored-credential.ts";

/** A credential that is accepted now, and everything that follows from it. */
export type Standing = {
  readonly tenant: TenantId;
  readonly principal: Principal;
  readonly credential: { readonly kind: CredentialKind; readonly id: string };
  readonly clientId: string | null;
  /** What it may at most be used for, as permission patterns. For a client secret: what its tokens may at most carry. */
  readonly scopes: readonly string[];
  /** Who the token is meant for; null where it is meant for this server alone. */
  readonly audience: readonly string[] | null;
  /** RFC 9449 §6: the key whose possession has to be proven with it; absent for a token that is bound to none. */
  readonly cnf?: { readonly jkt: string };
  /** The principal's facts at the root of its tenant. */
  readonly facts: Facts;
  /** Of a human's access token: the family it came of, and where and how the human signed in. */
  readonly human?: HumanStanding;
  /** How the client's tokens are made; with a client secret only. */
  readonly tokens?: { readonly format: "jwt" | "opaque"; readonly ttlSeconds: number };
};

export type HumanStanding = {
  readonly family: string;
  /** Null where no browser session stands behind it. */
  readonly session: string | null;
  readonly identitySource: string;
  readonly acr: string | null;
  /** Seconds since the epoch. */
  readonly authTime: number | null;
};

export type Verified = {
  readonly credentialId: string;
  /** RFC 7662 §2.2, ready to send. */
  readonly introspection: string;
  readonly standing: () => Standing;
};

export type Verifier = {
  /** One answer for each, in order; undefined where the credential is not accepted, for whatever reason. */
  verify(presented: readonly (Presented | undefined)[]): Promise<readonly (Verified | undefined)[]>;
  /** A credential's standing as a thing to resolve, for a caller that wants other things along with it. */
  wanted(presented: Presented): Wanted<Verified>;
};

type Needs = {
  readonly platform: Platform;
  readonly model: Model;
  /** Names the model in cache keys: permission sets mean nothing under another one. */
  readonly modelVersion: string;
  readonly keys: SigningKeys;
  readonly issuer: string;
  /** Hears which API token was used; must not block. */
  readonly used: (tenant: TenantId, credentialId: string) => void;
};

/** A credential that was found and does not stand is cached as this, so that a busy dead token costs no statement each time. */
const inactive = "-";

export const openVerifier = (needs: Needs): Verifier => {
  const { platform } = needs;
  const { clock } = platform;

  const note = (presented: Presented, verified: Verified | undefined): Verified | undefined => {
    if (verified !== undefined && presented.kind === "api_token") needs.used(presented.tenant, verified.credentialId);
    return verified;
  };

  const wanted = (presented: Presented): Wanted<Verified> => {
    const asking = asker(needs, presented);
    return {
      probe: {
        key: `{${presented.tenant}}:c:${needs.modelVersion}:${presented.digest}`,
        versions: [tenantVersion(presented.tenant), principalVersion(presented.tenant, presented.principal)],
      },
      fromCache: (payload) => note(presented, unpack(payload, clock.now())),
      ask: asking.ask,
      fromDatabase: (answer) => {
        const found = asking.read(answer);
        if (found === undefined) return { value: undefined };
        const now = clock.now();
        const stands = found.active && isActive(found.standing.facts);
        const payload = stands ? pack(found) : inactive;
        const expiry = Math.min(found.expiresAt ?? Number.POSITIVE_INFINITY, nearestExpiry(found.standing.facts));
        const ttlMs = stands ? Math.min(cacheTtlMs, expiry - now) : cacheTtlMs;
        return { value: note(presented, unpack(payload, now)), keep: { payload, ttlMs } };
      },
    };
  };

  return {
    wanted,
    verify: async (all) => {
      const known = all.filter((one) => one !== undefined);
      const verified = await resolve(platform, known.map(wanted));
      let next = 0;
      return all.map((one) => (one === undefined ? undefined : verified[next++]));
    },
  };
};

/** How one credential is asked for in the database, and what the answer means. */
type CredentialAsker = {
  readonly ask: () => Lookup | undefined | Promise<Lookup | undefined>;
  readonly read: (answer: unknown) => Found | undefined;
};

const asker = ({ platform, model, keys, issuer }: Needs, presented: Presented): CredentialAsker => {
  const { tenant } = presented;
  switch (presented.kind) {
    case "certificate":
      return {
        ask: () => factsLookup(tenant, "service", presented.principal, tenant, rootNode(tenant)),
        read: (answer) => fromCertificate(model, presented, answer as StoredFacts),
      };
    case "jwt": {
      // The signature is checked before anything is asked: a forger costs us arithmetic, and the database nothing.
      const verified: { jwt: VerifiedJwt | undefined } = { jwt: undefined };
      return {
        ask: async () => {
          verified.jwt = await verifyJwt(keys, issuer, presented.jwt, platform.clock.now());
          return verified.jwt && jwtLookup(tenant, verified.jwt);
        },
        read: (answer) => verified.jwt && fromJwt(model, tenant, verified.jwt, answer as StoredJwtStanding),
      };
    }
    case "client_secret":
    case "api_token":
    case "access_token":
      return {
        ask: () => credentialLookup(presented),
        read: (answer) =>
          answer === null
            ? undefined
            : fromCredential(model, issuer, presented.kind, tenant, answer as StoredCredential, platform.clock.now()),
      };
  }
};

type Found = {
  readonly active: boolean;
  readonly expiresAt: number | null;
  readonly introspection: string;
  readonly standing: Standing;
};

/** The principal and every perimeter above it: a suspended tenant has no living credential. */
const isActive = (facts: Facts): boolean =>
  facts.principal.state === "active" && facts.path.every((node) => node.state === "active");

const deadFacts: StoredFacts = { ...noFacts, path: [] };

const factsAtRoot = (model: Model, tenant: TenantId, principal: Principal, stored: StoredFacts): Facts => {
  const key = { principal, bound: tenant, tenant, node: rootNode(tenant) };
  const facts = factsOf(model, key, stored) ?? factsOf(model, key, deadFacts);
  if (facts === undefined) throw new Error("facts at a root cannot be absent");
  return facts;
};

const fromCredential = (
  model: Model,
  issuer: string,
  kind: "client_secret" | "api_token" | "access_token",
  tenant: TenantId,
  stored: StoredCredential,
  now: number,
): Found => {
  const principal = { kind: stored.owner_kind, id: stored.owner };
  const standing: Standing = {
    tenant,
    principal,
    credential: { kind, id: stored.id },
    clientId: stored.client_id,
    scopes: stored.scopes,
    audience: stored.audience ?? null,
    facts: factsAtRoot(model, tenant, principal, stored.facts),
    ...(stored.format && stored.ttl ? { tokens: { format: stored.format, ttlSeconds: stored.ttl } } : {}),
    ...(stored.extra?.cnf === undefined ? {} : { cnf: stored.extra.cnf }),
    ...humanOf(stored.family_id, stored.family, stored.extra ?? undefined),
  };
  return {
    active: !stored.revoked && (stored.expires === null || stored.expires > now),
    expiresAt: stored.expires,
    standing,
    introspection: introspectionOf(issuer, standing, stored.issued, stored.expires, stored.extra ?? undefined),
  };
};

const fromCertificate = (model: Model, presented: PresentedCertificate, stored: StoredFacts): Found | undefined => {
  const principal = { kind: "service", id: presented.principal } as const;
  const standing: Standing = {
    tenant: presented.tenant,
    principal,
    credential: { kind: "certificate", id: presented.principal },
    clientId: null,
    scopes: [],
    audience: null,
    facts: factsAtRoot(model, presented.tenant, principal, stored),
  };
  return stored.state === null
    ? undefined
    : { active: true, expiresAt: null, standing, introspection: inactiveIntrospection };
};

const fromJwt = (
  model: Model,
  tenant: TenantId,
  { claims, principal }: VerifiedJwt,
  stored: StoredJwtStanding,
): Found => {
  const standing: Standing = {
    tenant,
    principal,
    credential: { kind: "access_token", id: claims.jti },
    clientId: claims.client_id,
    scopes: claims.scope === "" ? [] : claims.scope.split(" "),
    audience: typeof claims.aud === "string" ? [claims.aud] : claims.aud,
    facts: factsAtRoot(model, tenant, principal, stored.facts),
    ...(claims.cnf === undefined ? {} : { cnf: claims.cnf }),
    ...humanOf(claims.family, stored.family, claims),
  };
  const expiresAt = claims.exp * 1000;
  // A human's token is part of a family, whose end is its end; one that names none was never ours to begin with.
  const belongs = principal.kind === "service" || standing.human !== undefined;
  return {
    active: !stored.revoked && belongs,
    expiresAt,
    standing,
    introspection: introspectionOf(claims.iss, standing, claims.iat * 1000, expiresAt, claims),
  };
};

const humanOf = (
  id: string | null | undefined,
  family: StoredFamily | null | undefined,
  extra: TokenExtra | undefined,
): { readonly human?: HumanStanding } =>
  id === null || id === undefined || family === null || family === undefined
    ? {}
    : {
        human: {
          family: id,
          session: family.session,
          identitySource: family.source,
          acr: extra?.acr ?? null,
          authTime: extra?.auth_time ?? null,
        },
      };

/** RFC 7662 §2.2, RFC 9470 §6.2, RFC 9449 §6.2, RFC 9396 §9.2. A client secret is no token, and inactive to anyone who asks. */
const introspectionOf = (
  issuer: string,
  standing: Standing,
  issuedAt: number,
  expiresAt: number | null,
  extra: TokenExtra = {},
): string => {
  if (standing.credential.kind === "client_secret") return inactiveIntrospection;
  const audience = standing.audience ?? [issuer];
  return JSON.stringify({
    active: true,
    iss: issuer,
    sub: principalRef(standing.principal.kind, standing.principal.id),
    aud: audience.length === 1 ? audience[0] : audience,
    ...(standing.clientId === null ? {} : { client_id: standing.clientId }),
    scope: standing.scopes.join(" "),
    iat: seconds(issuedAt),
    ...(expiresAt === null ? {} : { exp: seconds(expiresAt) }),
    jti: standing.credential.id,
    token_type: extra.cnf === undefined ? "Bearer" : "DPoP",
    acr: extra.acr,
    amr: extra.amr,
    auth_time: extra.auth_time,
    cnf: extra.cnf,
    authorization_details: extra.authorization_details,
    tenant_id: standing.tenant,
  });
};

/** RFC 7662 §2.2: for every token that is not active the same answer, to the octet. */
export const inactiveIntrospection = '{"active":false}';

/** `expiry ms ‖ space ‖ credential id ‖ newline ‖ introspection ‖ newline ‖ standing`: the gateway's answer needs no parsing at all. */
const pack = (found: Found): string =>
  `${found.expiresAt ?? 0} ${found.standing.credential.id}\n${found.introspection}\n${JSON.stringify(found.standing)}`;

const unpack = (payload: string, now: number): Verified | undefined => {
  if (payload === inactive) return undefined;
  const space = payload.indexOf(" ");
  const line = payload.indexOf("\n", space);
  const expiresAt = Number(payload.slice(0, space));
  if (expiresAt !== 0 && expiresAt <= now) return undefined;
  const next = payload.indexOf("\n", line + 1);
  return {
    credentialId: payload.slice(space + 1, line),
    introspection: payload.slice(line + 1, next),
    standing: () => readStanding(payload.slice(next + 1)),
  };
};

const readStanding = keepParsed(500, (text) => JSON.parse(text) as Standing);

/** The host stands above every tenant: what its principals may see is not fenced by one. */
export const mayLookInto = (own: TenantId, other: TenantId): boolean => own === other || own === hostTenant;
