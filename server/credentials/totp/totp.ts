import type { Result } from "../../../core/faults.ts";
import type { Tx } from "../../platform/database/database.ts";
import type { SecretKey } from "../../platform/keys/seal.ts";
import type { Human } from "../human.ts";

/** A device under way: not asked for until `confirmTotp` has seen a code of it. Everything but `id` is shown once. */
export type NewTotp = { readonly id: string; readonly secret: string; readonly uri: string; readonly qrSvg: string };

export type TotpDevice = {
  readonly id: string;
  readonly displayName: string;
  readonly createTime: Date;
  readonly useTime: Date | null;
};

export type BeginTotp = Human & {
  /** The device's name, for its owner to tell it from others. */
  readonly displayName: string;
  /** What the app shows below the issuer: the e-mail address. */
  readonly accountName: string;
  readonly issuerName: string;
  /** Ms since the epoch. */
  readonly now: number;
};

/** A fault where the human has as many as there may be. */
export const beginTotp = async (_tx: Tx, _sealKey: SecretKey, _asked: BeginTotp): Promise<Result<NewTotp>> => {
  throw new Error("not yet");
};
/** True once: the device counts from then on. */
export const confirmTotp = async (
  _tx: Tx,
  _sealKey: SecretKey,
  _device: Human & { readonly id: string },
  _code: string,
  _now: number,
): Promise<boolean> => {
  throw new Error("not yet");
};
/** Whether the code is one of a confirmed device's, and had not been used. */
export const useTotp = async (
  _tx: Tx,
  _sealKey: SecretKey,
  _human: Human,
  _code: string,
  _now: number,
): Promise<boolean> => {
  throw new Error("not yet");
};
/** The confirmed ones, oldest first. */
export const listTotp = async (_tx: Tx, _human: Human): Promise<readonly TotpDevice[]> => {
  throw new Error("not yet");
};
export const removeTotp = async (_tx: Tx, _device: Human & { readonly id: string }): Promise<boolean> => {
  throw new Error("not yet");
};
/** What a device that is being added needs shown again (a form that came back); undefined once it is confirmed or too old. */
export const showTotp = async (
  _tx: Tx,
  _sealKey: SecretKey,
  _device: Human & {
    readonly id: string;
    readonly accountName: string;
    readonly issuerName: string;
    readonly now: number;
  },
): Promise<NewTotp | undefined> => {
  throw new Error("not yet");
};
