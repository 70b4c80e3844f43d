/** German. */
import { account } from "./de/account.ts";
import { consent } from "./de/consent.ts";
import { mail } from "./de/mail.ts";
import { pages } from "./de/pages.ts";
import type { Catalogue } from "./catalogue.ts";

export const de: Catalogue = { ...pages, ...consent, ...account, ...mail };
