/** The field for a new password, with what the tenant asks of it. */
import { password_length_floor, password_length_max } from "../../credentials/passwords/password-text.ts";
import type { Words } from "../../messages/messages.ts";
import type { SignInPolicy } from "../../policies/model.ts";
import type { Html } from "../html.ts";
import { field } from "../kit.ts";

export const lengthMinOf = (policy: Pick<SignInPolicy, "password_length_min"> | undefined): number =>
  Math.max(policy?.password_length_min ?? password_length_floor, password_length_floor);

export const newPasswordField = (
  words: Words,
  label: string,
  policy: Pick<SignInPolicy, "password_length_min"> | undefined,
  error: string | undefined,
): Html =>
  field({
    name: "password",
    label,
    type: "password",
    autocomplete: "new-password",
    hint: words("register.password_hint", { count: lengthMinOf(policy) }),
    // Twice: characters outside the basic plane count as two here, and as one there.
    maxlength: 2 * password_length_max,
    error,
  });
