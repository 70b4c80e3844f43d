/** What a refreshed access token may carry: part of what was granted, and never more (RFC 6749 §6, RFC 8707 §2.2, RFC 9396 §6). */
import { type Fault, fault, isFault, type Result } from "../../../core/faults.ts";
import type { TenantId } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import { expand, isSubset } from "../../../core/model/permissions.ts";
import type { Client } from "../../clients/model.ts";
import { permissionsOf, reachOf } from "../../operations/patterns.ts";
import type { Form } from "../../platform/web/request.ts";
import { detailsWithin, readDetails } from "../authorization-details.ts";
import { openidScopes } from "../../clients/metadata.ts";
import { parameter } from "../protocol.ts";
import { readResources } from "../resources.ts";

const scopeLengthMax = 2000;

export type Wish = {
  readonly scopes: readonly string[] | null;
  readonly audience: readonly string[] | null;
  readonly details: readonly object[] | null;
};

/** What the request asks for; null for each thing it leaves as it was granted. */
export const readWish = (client: Client, form: Form): Result<Wish> => {
  const scope = parameter(form, "scope");
  if (isFault(scope)) return scope;
  if ((scope.value?.length ?? 0) > scopeLengthMax) return fault("invalid_scope", "the scope is too long");
  const resources = readResources(form);
  if (isFault(resources)) return resources;
  const text = parameter(form, "authorization_details");
  if (isFault(text)) return text;
  const details = readDetails(text.value, client);
  if (isFault(details)) return details;
  const scopes = [...new Set((scope.value ?? "").split(" ").filter((one) => one !== ""))];
  if (scope.value !== undefined && scopes.length === 0) return fault("invalid_scope", "the scope is empty");
  return {
    scopes: scope.value === undefined ? null : scopes,
    audience: resources.length === 0 ? null : resources,
    details: text.value === undefined ? null : details,
  };
};

export const isWish = ({ scopes, audience, details }: Wish): boolean =>
  scopes !== null || audience !== null || details !== null;

type Granted = {
  readonly bound: TenantId;
  readonly scopes: readonly string[];
  readonly audience: readonly string[];
  readonly details: readonly object[] | null;
};

/** Undefined where the wish lies within the grant. */
export const beyond = (model: Model, wish: Wish, granted: Granted): Fault | undefined => {
  if (wish.scopes !== null && !scopesWithin(model, wish.scopes, granted))
    return fault("invalid_scope", `\`${granted.scopes.join(" ")}\` was granted, and more is asked for`);
  if (wish.audience !== null && !wish.audience.every((one) => granted.audience.includes(one)))
    return fault("invalid_target", "a `resource` is not among those that were granted");
  if (wish.details !== null && !detailsWithin(wish.details, granted.details ?? []))
    return fault("invalid_authorization_details", "the details go beyond those that were granted");
  return undefined;
};

/** OpenID's scopes are compared by name, permission patterns by what they stand for. */
const scopesWithin = (model: Model, asked: readonly string[], { bound, scopes }: Granted): boolean => {
  const permissions = asked.filter((one) => !scopes.includes(one));
  if (permissions.length === 0) return true;
  if (permissions.some((one) => openidScopes.includes(one))) return false;
  const { set, unknown } = expand(model, permissions, reachOf(bound));
  const held = scopes.filter((one) => !openidScopes.includes(one));
  return unknown.length === 0 && isSubset(set, permissionsOf(model, bound, held));
};
