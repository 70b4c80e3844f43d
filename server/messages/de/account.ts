/** Die Kontoseiten. */
import type { Message } from "../catalogue.ts";
import type { account as english } from "../en/account.ts";

export const account: Readonly<Record<keyof typeof english, Message>> = {
  "account.title": "Ihr Konto",
};
