/** Whether a new password may be one, and its hash. */
import { fault, type Result } from "../../core/faults.ts";
import { type PasswordAsked, passwordProblems } from "../credentials/passwords/rules.ts";
import type { SignIn } from "./needs.ts";

export const hashNewPassword = async (
  { hasher }: Pick<SignIn, "hasher">,
  password: string,
  asked: PasswordAsked,
): Promise<Result<string>> => {
  const errors = passwordProblems(password, asked);
  if (errors.length > 0) return fault("invalid_argument", "the password is not accepted", { errors });
  return hasher.hash(password);
};
