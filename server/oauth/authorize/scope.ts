/** The `scope` of an authorization request: OpenID's own, and permission patterns of the access model. */
import { fault, type Result } from "../../../core/faults.ts";
import type { Model } from "../../../core/model/model.ts";
import { expand, isSubset } from "../../../core/model/permissions.ts";
import { openidScopes } from "../../clients/metadata.ts";
import type { Client } from "../../clients/model.ts";
import { permissionsOf, reachOf } from "../../operations/patterns.ts";

const scopeLengthMax = 2_000;

/** RFC 6749 §3.3. */
export const splitScope = (text: string): readonly string[] => [
  ...new Set(text.split(" ").filter((scope) => scope !== "")),
];

/**
 * What is asked for, if the client may have it; everything it is registered for, if it did not say (RFC 6749 §3.3: the default is ours
 * to choose). `offline_access` is never given unasked.
 */
export const readScope = (model: Model, client: Client, text: string | undefined): Result<readonly string[]> => {
  const registered = splitScope(client.metadata.scope);
  if (text === undefined) return registered.filter((scope) => scope !== "offline_access");
  if (text.length > scopeLengthMax)
    return fault("invalid_scope", `the scope is longer than ${scopeLengthMax} characters`);
  const scopes = splitScope(text);
  const stray = scopes.find((scope) => openidScopes.includes(scope) && !registered.includes(scope));
  const patterns = scopes.filter((scope) => !openidScopes.includes(scope));
  const { set, unknown } = expand(model, patterns, reachOf(client.tenant));
  if (unknown.length > 0)
    return fault("invalid_scope", `the scope \`${unknown.join(" ").slice(0, 200)}\` matches no permission here`);
  const allowed = permissionsOf(
    model,
    client.tenant,
    registered.filter((scope) => !openidScopes.includes(scope)),
  );
  return stray === undefined && isSubset(set, allowed)
    ? scopes
    : fault("invalid_scope", `the client may ask for \`${registered.join(" ").slice(0, 500)}\`, and asked for more`);
};

/** Whether what was agreed to takes in what is asked for. */
export const isCovered = (asked: readonly string[], agreed: readonly string[]): boolean =>
  asked.every(
    (scope) =>
      agreed.includes(scope) ||
      (!openidScopes.includes(scope) &&
        agreed.some(
          (pattern) => pattern === "*" || (pattern.endsWith(":*") && scope.startsWith(pattern.slice(0, -1))),
        )),
  );
