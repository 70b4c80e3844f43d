import type { Result } from "../../../core/faults.ts";

export type PasswordHasher = {
  hash(text: string): Promise<Result<string>>;
  verify(stored: string | null, text: string): Promise<Result<{ readonly matches: boolean; readonly rehash: boolean }>>;
  close(): Promise<void>;
};

export const openPasswordHasher = (
  _options: { readonly parallel?: number; readonly waitingMax?: number } = {},
): PasswordHasher => {
  throw new Error("passwords are not hashed yet");
};
