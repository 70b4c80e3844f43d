/** What a scope lets an application do, for people who do not read scopes. */
import { isMessageKey, type Words } from "../../messages/messages.ts";

/** `service-accounts` reads as “service accounts”. */
const plain = (name: string): string => name.replaceAll(/[-_]/g, " ");

/** OpenID's scopes have words of their own; permission patterns are put together from their parts. */
export const scopeInWords = (words: Words, scope: string): string => {
  const key = `scope.${scope}`;
  if (isMessageKey(key)) return words(key);
  if (scope === "*") return words("consent.everything");
  const [resource = "", action = ""] = scope.split(":");
  if (action === "*") return words("consent.every_action", { resource: plain(resource) });
  const verb = `action.${action}`;
  return words("consent.permission", {
    action: isMessageKey(verb) ? words(verb) : capital(plain(action)),
    resource: plain(resource),
  });
};

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const detailLengthMax = 400;

/** RFC 9396: the type in words, and what it says, as it says it. */
export const detailInWords = (words: Words, detail: object): readonly [title: string, said: string] => {
  const { type = "", ...rest } = detail as { readonly type?: string };
  const said = Object.entries(rest)
    .map(([name, value]) => `${plain(name)}: ${saidOf(value)}`)
    .join("; ");
  return [words("consent.detail", { type: plain(type) }), said.slice(0, detailLengthMax)];
};

const saidOf = (value: unknown): string =>
  Array.isArray(value) ? value.map(saidOf).join(", ") : typeof value === "string" ? value : JSON.stringify(value);
