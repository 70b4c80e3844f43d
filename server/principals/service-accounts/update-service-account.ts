/**
 * Changes a service account's name, scopes, token settings or keys. Its scopes bound its tokens: the last who can assign roles in the tenant
 * keeps those it takes.
 */
import Type from "typebox";
import { isFault } from "../../../core/faults.ts";
import { isSubset } from "../../../core/model/permissions.ts";
import { keepingAssignerFrom } from "../../authority/keep-assigner.ts";
import { etagOf, expectRevision, overtaken } from "../../operations/etag.ts";
import { displayName, id, strict } from "../../operations/fields.ts";
import { operation } from "../../operations/operation.ts";
import { knownPatterns, permissionsOf } from "../../operations/patterns.ts";
import { masked, updateMask } from "../../operations/update-mask.ts";
import { principalVersion } from "../../platform/cache/fresh-cache.ts";
import { checkKeys } from "./check-keys.ts";
import { atServiceAccount, beyondTakingOver, knownServiceAccount } from "./find.ts";
import { accessTokenFormat, accessTokenTtl, jwks, render, scopes, serviceAccountOutput } from "./model.ts";
import { updateServiceAccount } from "./store.ts";

const writable = ["display_name", "scopes", "access_token_format", "access_token_ttl_seconds", "jwks"] as const;

export const patchServiceAccount = operation({
  name: "service-accounts.update",
  summary: "Change a service account",
  kind: "change",
  method: "PATCH",
  path: "/v1/service-accounts/{id}",
  status: 200,
  input: strict({
    id,
    update_mask: updateMask,
    display_name: Type.Optional(displayName),
    scopes: Type.Optional(scopes),
    access_token_format: Type.Optional(accessTokenFormat),
    access_token_ttl_seconds: Type.Optional(accessTokenTtl),
    jwks: Type.Optional(Type.Union([jwks, Type.Null()])),
  }),
  output: serviceAccountOutput,
  permission: "service-accounts:update",
  scope: "tenant",
  target: atServiceAccount,
  event: (account) => ({ type: "service-account.updated", subject: account.resource, data: { etag: account.etag } }),
  run: async (tx, input, context) => {
    const { model, now, ifMatch } = context;
    const account = await knownServiceAccount(tx, input.id);
    if (isFault(account)) return account;
    const change = masked(input, writable);
    if (isFault(change)) return change;
    const unknown = knownPatterns(model, tx.tenant, "scopes", change.scopes ?? []);
    if (unknown !== undefined) return unknown;
    const keys = change.jwks ? checkKeys(change.jwks) : undefined;
    if (isFault(keys)) return keys;
    const carried = (patterns: readonly string[]) => permissionsOf(model, tx.tenant, patterns);
    const widens = change.scopes !== undefined && !isSubset(carried(change.scopes), carried(account.scopes));
    const beyond =
      keys === undefined && !widens ? undefined : await beyondTakingOver(tx, account, context, change.scopes);
    if (beyond !== undefined) return beyond;
    const expected = expectRevision(ifMatch, account.revision, "required");
    if (isFault(expected)) return expected;

    const { jwks: _, ...plain } = change;
    const columns = {
      ...plain,
      ...(change.jwks === undefined ? {} : { jwks: keys === undefined ? null : JSON.stringify(keys) }),
    };
    const write = async () => {
      if (!(await updateServiceAccount(tx, account.id, expected.revision, columns, new Date(now)))) return overtaken();
      tx.touch(principalVersion(tx.tenant, account.id));
      const after = await knownServiceAccount(tx, input.id);
      return isFault(after) ? after : { ...render(model, after), etag: etagOf(after.revision) };
    };
    return change.scopes === undefined ? write() : keepingAssignerFrom(tx, context, write);
  },
});
