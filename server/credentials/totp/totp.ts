/**
 * A human's authenticator apps. The seed is sealed for its row; a code is good once, and none is good that is older than the last.
 *
 *     begun → confirmed (the first code was right) → removed
 *     begun → forgotten
 */
import { renderSVG } from "uqr";
import { fault, type Result } from "../../../core/faults.ts";
import type { TenantId } from "../../../core/ids.ts";
import type { Tx } from "../../platform/database/database.ts";
import { seal, type SecretKey, unseal } from "../../platform/keys/seal.ts";
import { newId, randomOctets } from "../../platform/random.ts";
import type { Human } from "../human.ts";
import { base32, keyUri, readCode, stepsOf } from "./code.ts";
import {
  confirmDevice,
  confirmedDevices,
  confirmedSeeds,
  countDevices,
  deleteDevice,
  deleteUnfinished,
  findUnfinished,
  insertDevice,
  raiseStep,
} from "./store.ts";

/** RFC 4226 §4, R6: as long as the output of the hash. */
const seed_octets = 20;
export const totp_devices_max = 5;
/** A device that was begun is confirmed within this time, or begun again. */
const unfinished_minutes = 15;
/** A form that is opened twice begins two; more are forgotten. */
const unfinished_max = 3;

/** A device under way: not asked for until `confirmTotp` has seen a code of it. Everything but `id` is shown once. */
export type NewTotp = { readonly id: string; readonly secret: string; readonly uri: string; readonly qrSvg: string };

export type TotpDevice = {
  readonly id: string;
  readonly displayName: string;
  readonly createTime: Date;
  readonly useTime: Date | null;
};

type Device = Human & { readonly id: string };
type Labels = {
  /** What the app shows below the issuer: the e-mail address. */
  readonly accountName: string;
  readonly issuerName: string;
};

export type BeginTotp = Human &
  Labels & {
    /** The device's name, for its owner to tell it from others. */
    readonly displayName: string;
    /** Ms since the epoch. */
    readonly now: number;
  };

const rowName = (tenant: TenantId, id: string): string => `totp_devices/${tenant}/${id}`;

/** A fault where the human has as many as there may be. */
export const beginTotp = async (tx: Tx, sealKey: SecretKey, asked: BeginTotp): Promise<Result<NewTotp>> => {
  const { home, user, displayName, now } = asked;
  if ((await countDevices(tx, user)) >= totp_devices_max)
    return fault("not_admissible", `${totp_devices_max} authenticator apps are the most there may be; remove one`);
  await deleteUnfinished(tx, user, unfinished_max - 1);
  const id = newId<string>();
  const seed = randomOctets(seed_octets);
  const secretSealed = seal(sealKey, rowName(home, id), seed);
  await insertDevice(tx, { id, user, displayName, secretSealed, createTime: new Date(now) });
  return shown(id, seed, asked);
};

/** What a device that was begun showed, for a form that comes back; undefined once it is confirmed, or too old. */
export const showTotp = async (
  tx: Tx,
  sealKey: SecretKey,
  device: Device & Labels & { readonly now: number },
): Promise<NewTotp | undefined> => {
  const seed = await unfinishedSeed(tx, sealKey, device, device.now);
  return seed && shown(device.id, seed, device);
};

const shown = (id: string, seed: Buffer, { issuerName, accountName }: Labels): NewTotp => {
  const uri = keyUri(seed, issuerName, accountName);
  return { id, secret: base32(seed), uri, qrSvg: renderSVG(uri, { ecc: "M", border: 2, pixelSize: 4 }) };
};

const unfinishedSeed = async (
  tx: Tx,
  sealKey: SecretKey,
  { home, user, id }: Device,
  now: number,
): Promise<Buffer | undefined> => {
  const found = await findUnfinished(tx, user, id, new Date(now - unfinished_minutes * 60_000));
  return found && unseal(sealKey, rowName(home, id), found.secret_sealed);
};

/** True once: the device counts from then on, and the code that confirmed it is used. */
export const confirmTotp = async (
  tx: Tx,
  sealKey: SecretKey,
  device: Device,
  code: string,
  now: number,
): Promise<boolean> => {
  const read = readCode(code);
  const seed = read === undefined ? undefined : await unfinishedSeed(tx, sealKey, device, now);
  const step = seed === undefined || read === undefined ? undefined : stepsOf(seed, read, now).at(-1);
  return step !== undefined && confirmDevice(tx, device.user, device.id, step, new Date(now));
};

/** Whether the code is one of a confirmed device's, and neither it nor a later one has been used. */
export const useTotp = async (
  tx: Tx,
  sealKey: SecretKey,
  { home, user }: Human,
  code: string,
  now: number,
): Promise<boolean> => {
  const read = readCode(code);
  if (read === undefined) return false;
  for (const { id, secret_sealed } of await confirmedSeeds(tx, user)) {
    const seed = unseal(sealKey, rowName(home, id), secret_sealed);
    for (const step of stepsOf(seed, read, now)) if (await raiseStep(tx, user, id, step, new Date(now))) return true;
  }
  return false;
};

/** The confirmed ones, oldest first. */
export const listTotp = async (tx: Tx, { user }: Human): Promise<readonly TotpDevice[]> =>
  (await confirmedDevices(tx, user)).map((row) => ({
    id: row.id,
    displayName: row.display_name,
    createTime: row.create_time,
    useTime: row.use_time,
  }));

export const removeTotp = (tx: Tx, { user, id }: Device): Promise<boolean> => deleteDevice(tx, user, id);
