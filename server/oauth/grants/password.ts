/**
 * The password grant, for gRPC alone: a first-party application that is registered for it brings the human's own words. It has no browser,
 * so who must give a second factor is sent to one.
 */
import { type Fault, fault, isFault, type Result } from "../../../core/faults.ts";
import { hostTenant, isUuid, parseRef, type TenantId } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import type { Client } from "../../clients/model.ts";
import { secondFactorsOf } from "../../credentials/second-factors.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { Form } from "../../platform/web/request.ts";
import { policyOf } from "../../sign-in/complete.ts";
import { byPassword, nextAfter, stricter } from "../../sign-in/factors.ts";
import type { SignIn, Visit } from "../../sign-in/needs.ts";
import { provePassword, stillProven } from "../../sign-in/prove-password.ts";
import type { Account } from "../../sign-in/store.ts";
import { readScope } from "../authorize/scope.ts";
import { tenantsOfHuman } from "../authorize/tenants.ts";
import { parameter } from "../protocol.ts";
import { readResources } from "../resources.ts";
import type { GrantNeeds, TokenAnswer } from "./model.ts";
import { openFamily } from "./open-family.ts";

export type PasswordGranting = GrantNeeds & { readonly model: Model; readonly signIn: SignIn };

const passwordLengthMax = 4096;

type Asked = {
  readonly username: string;
  readonly password: string;
  readonly scopes: readonly string[];
  readonly audience: readonly string[];
  readonly tenant: TenantId | undefined;
};

const readRequest = ({ model }: PasswordGranting, client: Client, form: Form): Result<Asked> => {
  const [username, password, scope, tenant] = ["username", "password", "scope", "tenant"].map((name) =>
    parameter(form, name),
  );
  for (const read of [username, password, scope, tenant]) if (isFault(read)) return read;
  const text = (read: typeof username): string | undefined => (isFault(read) ? undefined : read?.value);
  const [name, word] = [text(username), text(password)];
  if (name === undefined || word === undefined || word.length > passwordLengthMax)
    return fault("invalid_argument", "`username` and `password` must both be given");
  const scopes = readScope(model, client, text(scope));
  if (isFault(scopes)) return scopes;
  const audience = readResources(form);
  if (isFault(audience)) return audience;
  const named = tenantNamed(client, text(tenant));
  return isFault(named) ? named : { username: name, password: word, scopes, audience, tenant: named.tenant };
};

/** A tenant's own application is for that tenant; the host's is for any. */
const tenantNamed = (client: Client, text: string | undefined): Result<{ readonly tenant: TenantId | undefined }> => {
  const own = client.tenant === hostTenant ? undefined : client.tenant;
  if (text === undefined) return { tenant: own };
  const id = parseRef(text)?.id ?? text;
  if (!isUuid(id)) return fault("invalid_argument", "`tenant` must be a tenant's ref or its id");
  return own === undefined || own === id
    ? { tenant: id as TenantId }
    : fault("invalid_argument", "the application is for its own tenant alone");
};

/** RFC 6749 §5.2: whatever is wrong with what the human said is `invalid_grant`, in the words of signing in. */
const asGrant = (failure: Fault): Fault =>
  failure.fault === "invalid_credentials" || failure.fault === "not_admissible"
    ? fault("invalid_grant", failure.detail)
    : failure;

export const passwordGrant = async (
  needs: PasswordGranting,
  client: Client,
  form: Form,
  request: Visit,
): Promise<Result<TokenAnswer>> => {
  if (!client.firstParty)
    return fault("unauthorized_client", "only a first-party application may be told a human's password");
  const asked = readRequest(needs, client, form);
  if (isFault(asked)) return asked;
  const { username: email, password } = asked;
  const claim = { email, password, context: asked.tenant ?? null, request, action: "oauth.password" };
  const proven = await provePassword(needs.signIn, claim);
  if (isFault(proven)) return asGrant(proven);
  const { database } = needs.platform;
  const bound = asked.tenant ?? (await onlyTenant(needs, proven.account));
  if (isFault(bound)) return bound;
  return database.transaction(proven.account.home, async (tx) => {
    const account = await stillProven(tx, proven);
    if (isFault(account)) return asGrant(account);
    const more = await asksForMore(tx, account, bound);
    if (more !== undefined) return more;
    return openFamily(needs, tx, {
      client,
      home: account.home,
      user: account.user,
      session: null,
      bound,
      scopes: asked.scopes,
      audience: asked.audience,
      details: null,
      claims: null,
      nonce: null,
      ...byPassword,
      authTime: needs.platform.clock.now(),
      jkt: null,
      grant: "password",
      requestId: request.requestId,
    });
  });
};

const onlyTenant = async ({ platform }: PasswordGranting, account: Account): Promise<Result<TenantId>> => {
  const [only, ...others] = await tenantsOfHuman(platform.database, account);
  if (only === undefined) return fault("invalid_grant", "the human belongs to no tenant");
  return others.length === 0
    ? only.tenant
    : fault("invalid_argument", "the human belongs to several tenants; name one as `tenant`");
};

/** Where the home or the tenant asks for a second factor, a password alone lets nobody in. */
const asksForMore = async (tx: Tx, account: Account, bound: TenantId): Promise<Fault | undefined> => {
  const mfa = stricter((await policyOf(tx, account.home)).mfa, (await policyOf(tx, bound)).mfa);
  const next = nextAfter({ mfa, proof: byPassword, factors: await secondFactorsOf(tx, account), remembered: false });
  return next === "done"
    ? undefined
    : fault("invalid_grant", "a second factor is asked for, which this grant cannot give; sign in with a browser");
};
