/** What a language has to say. */
import type { en } from "./en.ts";

/** A text with `{names}` in braces; or one a plural category (Intl.PluralRules), told apart by the value `count`. */
export type Message = string | { readonly one: string; readonly other: string };
export type MessageKey = keyof typeof en;
export type Catalogue = Readonly<Record<MessageKey, Message>>;
