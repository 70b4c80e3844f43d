/** The SQL of signing in that belongs to no other slice: who an address stands for, proven addresses, remembered devices, setup links. */
import type { PrincipalId, TenantId } from "../../core/ids.ts";
import type { SecondFactors } from "../credentials/second-factors.ts";
import { factorCounts } from "../credentials/second-factors-store.ts";
import type { Database, Tx } from "../platform/database/database.ts";
import { defaultPolicy, type SignInPolicy } from "../policies/model.ts";
import { platformIdentity } from "../principals/users/model.ts";

/** A human as signing in sees them. */
export type Account = {
  readonly home: TenantId;
  readonly user: PrincipalId;
  readonly email: string;
  readonly displayName: string;
  readonly locale: string | null;
  readonly verified: boolean;
  /** Active, in an active tenant, and one who signs in. */
  readonly stands: boolean;
  readonly identitySource: string;
  /** The stored hash; null where there is none. */
  readonly password: string | null;
};

/** As it stands now, in a transaction of its home. */
export type HeldAccount = Account & {
  /** Of any perimeter of its home. */
  readonly member: boolean;
  /** Whoever chose the password had not proven the address, and was a member of nothing. */
  readonly chosenByStranger: boolean;
};

type FoundAccount = {
  readonly tenant: TenantId;
  readonly id: PrincipalId;
  readonly email: string;
  readonly display_name: string;
  readonly state: string;
  /** Absent from who is found by an address: those are all who do. */
  readonly signs_in?: boolean;
  readonly identity_source: string;
  readonly locale: string | null;
  readonly email_verified: boolean;
  readonly tenant_state: string | null;
  readonly password: string | null;
};

const accountOf = (found: FoundAccount): Account => ({
  home: found.tenant,
  user: found.id,
  email: found.email,
  displayName: found.display_name,
  locale: found.locale,
  verified: found.email_verified,
  stands: found.state === "active" && found.tenant_state === "active" && found.signs_in !== false,
  identitySource: found.identity_source,
  password: found.password,
});

/** Who the address stands for where people sign in to `context`; undefined where nobody is known by it. */
export const findAccount = async (
  database: Database,
  host: TenantId,
  email: string,
  context: TenantId | null,
): Promise<Account | undefined> => {
  const [row] = await database.statement<{ found: FoundAccount | null }>(
    "sign_in.account",
    "select sign_in_account($1, sha256(convert_to(lower($2), 'UTF8')), $3) as found",
    [host, email, context],
  );
  return row?.found ? accountOf(row.found) : undefined;
};

type Held = FoundAccount & { readonly member: boolean; readonly stranger: boolean };

/**
 * The account in a transaction of its home, held as it is until that ends: a suspension, a deletion or a new password comes before, and is
 * seen, or after. `alone` for who changes how the account is entered: nobody is let in meanwhile by what there was.
 */
export const holdAccount = async (tx: Tx, user: PrincipalId, alone?: "alone"): Promise<HeldAccount | undefined> => {
  const [row] = await tx.query<{ held: Held | null }>(
    "sign_in.hold_account",
    "select hold_account($1, $2, $3) as held",
    [tx.tenant, user, alone === "alone"],
  );
  const held = row?.held ?? undefined;
  return held && { ...accountOf(held), member: held.member, chosenByStranger: held.stranger };
};

/** What the home knows of a human who has given a first factor. */
export type Reception = {
  readonly policy: SignInPolicy;
  readonly factors: SecondFactors;
  /** Whether the human has had a full session before. */
  readonly returning: boolean;
};

type ReceptionRow = {
  readonly policy: Partial<SignInPolicy> | null;
  readonly totp: number;
  readonly passkeys: number;
  readonly codes: number;
  readonly returning: boolean;
};

/** One statement, in a transaction of the human's home. */
export const readReception = async (tx: Tx, user: PrincipalId): Promise<Reception> => {
  const [row] = await tx.query<ReceptionRow>(
    "sign_in.reception",
    `select (select document from sign_in_policies where tenant_id = $1) as policy, ${factorCounts},
            exists (select from sessions where tenant_id = $1 and user_id = $2 and state <> 'partial') as returning`,
    [tx.tenant, user],
  );
  if (row === undefined) throw new Error("the reception answered nothing");
  const { policy, returning, totp, passkeys, codes } = row;
  return { policy: { ...defaultPolicy, ...policy }, factors: { totp, passkeys, recoveryCodes: codes }, returning };
};

/**
 * The user of the address in this tenant, for one use at a time, where that is nobody yet: the address was never proven, nobody has made it
 * a member, and no provider vouches for it. Otherwise whether it is somebody, or somebody who never signs in.
 */
export const holdNobodyYet = async (tx: Tx, email: string): Promise<PrincipalId | "somebody" | "never_signs_in"> => {
  const [row] = await tx.query<{ user: PrincipalId; nobody: boolean; signs_in: boolean }>(
    "sign_in.hold_by_email",
    `select id as "user", signs_in, email_verified_time is null and state = 'active' and identity_source = $3 as nobody from users
      where tenant_id = $1 and lower(email) = lower($2) and state <> 'deleted' for update`,
    [tx.tenant, email, platformIdentity],
  );
  if (row?.signs_in === false) return "never_signs_in";
  // A membership that was being given has been, or waits for this.
  return row?.nobody === true && !(await isMember(tx, row.user)) ? row.user : "somebody";
};

/** True where the address is still the user's; it counts as proven from then on. */
export const markEmailVerified = async (tx: Tx, user: PrincipalId, email: string, now: Date): Promise<boolean> => {
  const rows = await tx.query(
    "sign_in.mark_verified",
    `update users set email_verified_time = coalesce(email_verified_time, $4), update_time = $4
      where tenant_id = $1 and id = $2 and lower(email) = lower($3) and state <> 'deleted' returning id`,
    [tx.tenant, user, email, now],
  );
  return rows.length === 1;
};

export const writeProfile = async (
  tx: Tx,
  user: PrincipalId,
  { displayName, locale }: { readonly displayName: string; readonly locale: string },
  now: Date,
): Promise<void> => {
  await tx.query(
    "sign_in.profile",
    "update users set display_name = $3, locale = $4, revision = revision + 1, update_time = $5 where tenant_id = $1 and id = $2",
    [tx.tenant, user, displayName, locale, now],
  );
};

/** Whether the human belongs to any perimeter of this tenant. */
export const isMember = async (tx: Tx, user: PrincipalId): Promise<boolean> =>
  (
    await tx.query("sign_in.is_member", "select 1 from memberships where tenant_id = $1 and user_id = $2 limit 1", [
      tx.tenant,
      user,
    ])
  ).length > 0;

/** Whose a domain is that has been proven. */
export const tenantOfDomain = async (tx: Tx, domain: string): Promise<TenantId | undefined> =>
  (
    await tx.query<{ tenant_id: TenantId }>(
      "sign_in.domain",
      "select tenant_id from verified_domains where name = lower($1)",
      [domain],
    )
  )[0]?.tenant_id;

// Remembered devices ---------------------------------------------------------------------------------------------------------------

export type RememberedDevice = {
  readonly id: string;
  readonly user: PrincipalId;
  readonly hash: Buffer;
  readonly displayName: string;
  readonly createTime: Date;
  readonly expireTime: Date;
};

/** Devices of one human kept at once; the oldest make room. */
const devicesMax = 20;

export const insertDevice = async (tx: Tx, device: RememberedDevice): Promise<void> => {
  await tx.query(
    "sign_in.make_room",
    `delete from remembered_devices where tenant_id = $1 and id in (
       select id from remembered_devices where tenant_id = $1 and user_id = $2 order by create_time desc offset $3)`,
    [tx.tenant, device.user, devicesMax - 1],
  );
  await tx.query(
    "sign_in.remember_device",
    `insert into remembered_devices (tenant_id, id, user_id, hash, display_name, create_time, expire_time)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [tx.tenant, device.id, device.user, device.hash, device.displayName, device.createTime, device.expireTime],
  );
};

/** Since when the device has been remembered; undefined where it is not, or no longer. */
export const findDevice = async (tx: Tx, user: PrincipalId, hash: Buffer, now: Date): Promise<Date | undefined> =>
  (
    await tx.query<{ create_time: Date }>(
      "sign_in.find_device",
      "select create_time from remembered_devices where tenant_id = $1 and user_id = $2 and hash = $3 and expire_time > $4",
      [tx.tenant, user, hash, now],
    )
  )[0]?.create_time;

export const forgetDevices = async (tx: Tx, user: PrincipalId): Promise<void> => {
  await tx.query("sign_in.forget_devices", "delete from remembered_devices where tenant_id = $1 and user_id = $2", [
    tx.tenant,
    user,
  ]);
};

// The first human ------------------------------------------------------------------------------------------------------------------

/** True for the one call that used the link up (invariant 3). */
export const takeSetupLink = async (tx: Tx, hash: Buffer, now: Date): Promise<boolean> =>
  (
    await tx.query(
      "sign_in.setup",
      "update setup_links set use_time = $2 where hash = $1 and use_time is null and expire_time > $2 returning hash",
      [hash, now],
    )
  ).length === 1;

/** Whether the link could be used; it is not used by this. */
export const isLiveSetupLink = async (tx: Tx, hash: Buffer, now: Date): Promise<boolean> =>
  (
    await tx.query(
      "sign_in.setup_link",
      "select 1 from setup_links where hash = $1 and use_time is null and expire_time > $2",
      [hash, now],
    )
  ).length === 1;
