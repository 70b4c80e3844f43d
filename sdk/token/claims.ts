/** The claims of an access token (RFC 9068 §2.2), whether a signature or the issuer's own word stands behind them. */
import type { Actor } from "../../core/attribution.ts";
import { hostTenant, isUuid, type PrincipalKind, parseRef, principalKindOf } from "../../core/ids.ts";
import { membersOf } from "../ask.ts";

export type Claims = {
  readonly tenant: string;
  readonly subject: string;
  readonly kind: PrincipalKind;
  readonly actor: Actor | null;
  readonly scopes: readonly string[];
  readonly client_id: string | null;
  readonly audience: readonly string[];
  readonly jti: string;
  /** Seconds since the epoch. */
  readonly exp: number;
  readonly jkt: string | null;
  readonly acr: string | null;
  readonly amr: readonly string[];
  readonly auth_time: number | null;
};

/** RFC 8693 chains that are deeper say nothing anybody could use. */
const actor_depth_max = 8;

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
const isTime = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

/** Undefined for claims that are not those of one of Countersign's access tokens. Who it is meant for and until when is not judged here. */
export const readClaims = (given: Readonly<Record<string, unknown>>): Claims | undefined => {
  const { sub, tenant_id, jti, exp, scope, client_id, cnf } = given;
  const ref = isText(sub) ? parseRef(sub) : undefined;
  const kind = ref && principalKindOf(ref.collection);
  const audience = textsOf(given.aud);
  const actor = readActor(given.act);
  const jkt = jktOf(cnf);
  if (kind === undefined || !isText(sub) || !isText(tenant_id) || !isUuid(tenant_id)) return undefined;
  if (!isText(jti) || !isTime(exp) || audience === undefined || actor === undefined || jkt === undefined)
    return undefined;
  if (scope !== undefined && typeof scope !== "string") return undefined;
  return {
    tenant: tenant_id,
    subject: sub,
    kind,
    actor,
    scopes: scope === undefined || scope === "" ? [] : scope.split(" "),
    client_id: isText(client_id) ? client_id : null,
    audience,
    jti,
    exp,
    jkt,
    acr: isText(given.acr) ? given.acr : null,
    amr: textsOf(given.amr) ?? [],
    auth_time: isTime(given.auth_time) ? given.auth_time : null,
  };
};

const textsOf = (value: unknown): readonly string[] | undefined => {
  const all: readonly unknown[] = Array.isArray(value) ? value : [value];
  return all.length > 0 && all.every(isText) ? all : undefined;
};

/** RFC 8693 §4.1. Null where nobody acts; undefined for what can't be read, which is no reason to take the call for the subject's own. */
const readActor = (value: unknown, depth = 0): Actor | null | undefined => {
  if (value === undefined || value === null) return null;
  const { sub, act } = membersOf(value);
  if (!isText(sub) || depth >= actor_depth_max) return undefined;
  const before = readActor(act, depth + 1);
  return before === undefined ? undefined : { principal: sub, act: before };
};

/** RFC 7800: a confirmation that is there and not understood binds the token to something unknown, so it is not accepted at all. */
const jktOf = (cnf: unknown): string | null | undefined => {
  if (cnf === undefined || cnf === null) return null;
  const { jkt } = membersOf(cnf);
  return isText(jkt) ? jkt : undefined;
};

export const isHost = (tenant: string): boolean => tenant === hostTenant;
