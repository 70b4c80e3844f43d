/** English, which fixes the keys. */
import { account } from "./en/account.ts";
import { consent } from "./en/consent.ts";
import { mail } from "./en/mail.ts";
import { pages } from "./en/pages.ts";

export const en = { ...pages, ...consent, ...account, ...mail };
