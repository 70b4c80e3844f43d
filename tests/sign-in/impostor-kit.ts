/**
 * People and impostors: accounts of one address that were proven, or were not, in tenants of their owner's or of an attacker's.
 *
 *     const kit = await openImpostorKit();
 *     const email = kit.address();
 *     await kit.registered(evil, email, "attacker");
 *     await kit.entersAs(await kit.proven(acme, email));
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { hostTenant, type PrincipalId, type TenantId } from "../../core/ids.ts";
import { writePassword } from "../../server/credentials/passwords/store.ts";
import { registerUser } from "../../server/principals/users/register-user.ts";
import { requestPasswordReset, resetPassword } from "../../server/sign-in/reset-password.ts";
import { selfRegister } from "../../server/sign-in/self-register.ts";
import { findAccount } from "../../server/sign-in/store.ts";
import { type Ada, done, linkIn, openSignInKit, password } from "./sign-in-kit.ts";

export const known = "what the attacker knows";

export const openImpostorKit = async () => {
  const kit = await openSignInKit();
  const { bench, needs } = kit;
  const { database, clock } = bench.engine.platform;
  const hashes = { attacker: await needs.hasher.hash(known), owner: await needs.hasher.hash(password) } as Readonly<
    Record<"attacker" | "owner", string>
  >;

  let places = 0;
  const somewhere = () => kit.browser(`10.9.${Math.floor((places += 1) / 250)}.${places % 250}`);
  const address = (domain = "victim.example") => `${randomUUID()}@${domain}`;

  /** As an administrator of the tenant registers and imports somebody: a member, whose address nobody has proven. */
  const registered = async (
    tenant: TenantId,
    email: string,
    whose: "attacker" | "owner",
    parent?: string,
  ): Promise<Ada> => {
    const made = await bench.ok(registerUser, await bench.ownerOf(tenant), {
      parent: parent ?? bench.rootRef(tenant),
      email,
      display_name: "Ada Lovelace",
    });
    const user = made.id as PrincipalId;
    await database.transaction(tenant, (tx) => writePassword(tx, user, hashes[whose], clock.now()));
    return { home: tenant, user, email };
  };
  const prove = (ada: Ada) =>
    bench.sql(ada.home, "test.prove", "update users set email_verified_time = $3 where tenant_id = $1 and id = $2", [
      ada.home,
      ada.user,
      new Date(clock.now()),
    ]);
  const proven = async (tenant: TenantId, email: string): Promise<Ada> => {
    const ada = await registered(tenant, email, "owner");
    await prove(ada);
    return ada;
  };
  const open = async (): Promise<TenantId> => {
    const tenant = await bench.tenant();
    await kit.policy(tenant, { self_registration: "on" });
    return tenant;
  };
  const register = (tenant: TenantId, email: string, secret = known) =>
    selfRegister(needs, {
      tenant,
      email,
      displayName: "Ada",
      password: secret,
      locale: "en",
      request: somewhere().visit(),
    });
  /** Later than everything before. */
  const tick = (): void => {
    bench.clock.ms += 60_000;
  };
  const entersAs = async (ada: Ada, context: TenantId | null = null): Promise<void> => {
    const { session } = done(await kit.signIn(somewhere(), ada, { context }));
    assert.deepEqual([session.home, session.user], [ada.home, ada.user]);
  };
  const whose = async (email: string, context: TenantId | null = null) =>
    (await findAccount(database, hostTenant, email, context))?.user;
  const resetLinkOf = async (email: string, context: TenantId | null, home: TenantId): Promise<string> => {
    done(await requestPasswordReset(needs, { email, context, request: somewhere().visit() }));
    const mails = await kit.mails(home);
    return linkIn(mails.findLast((mail) => mail.to === email && mail.template === "reset_password"));
  };
  const reset = (link: string) => resetPassword(needs, { link, password, request: somewhere().visit() });
  const joinElsewhere = (tenant: TenantId, { user, home }: Ada) =>
    bench.sql(
      tenant,
      "test.member",
      `insert into memberships (tenant_id, id, user_id, home_tenant_id, node_id, create_time, update_time)
       values ($1, gen_random_uuid(), $2, $3, $1, now(), now())`,
      [tenant, user, home],
    );

  const federate = ({ home, user }: Ada) =>
    bench.sql(
      home,
      "test.federate",
      "update users set identity_source = 'https://idp.example' where tenant_id = $1 and id = $2",
      [home, user],
    );

  return {
    ...kit,
    database,
    clock,
    hashes,
    somewhere,
    address,
    registered,
    prove,
    proven,
    open,
    register,
    tick,
    entersAs,
    whose,
    resetLinkOf,
    reset,
    joinElsewhere,
    federate,
  };
};
