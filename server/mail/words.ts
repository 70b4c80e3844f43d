/** A mail's words: subject, plain text and HTML, from the catalogue. The HTML has no pictures, no scripts and nothing to fetch. */
import { defaultLocale, type Locale, type MessageKey, readLocale, say, type Values } from "../messages/messages.ts";
import { textOn } from "../policies/brandings/contrast.ts";
import type { Mail } from "./model.ts";

/** Whose mail it is, as the reader knows it. */
export type Face = { readonly name: string; readonly accentColor: string };

export type Written = { readonly subject: string; readonly text: string; readonly html: string };

/** Where a text is to be logged: what it looks like without its link. */
export const linkWithheld = "[the link is in the file]";

const valuesOf = (mail: Mail, face: Face, locale: Locale): Values => {
  const common = { name: face.name, email: mail.to };
  if (mail.template === "invitation") return { ...common, tenant: mail.tenantName, inviter: mail.inviter };
  if (mail.template === "new_sign_in")
    return { ...common, device: mail.device, address: mail.address, time: timeIn(locale, mail.time) };
  if (mail.template === "second_factor_changed")
    return { ...common, change: say(locale, `mail.change.${mail.change}`) };
  if (mail.template === "email_changed") return { ...common, new_email: mail.newEmail };
  return common;
};

const timeIn = (locale: Locale, time: string): string =>
  new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "short", timeZone: "UTC" }).format(new Date(time)) +
  " UTC";

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (one) => escapes[one] ?? one);

export const write = (mail: Mail, face: Face): Written => {
  const locale = readLocale(mail.locale) ?? defaultLocale;
  const values = valuesOf(mail, face, locale);
  const part = (name: string): string => say(locale, `mail.${mail.template}.${name}` as MessageKey, values);
  const greeting = say(locale, "mail.greeting");
  const footer = say(locale, "mail.footer", values);
  const link = "url" in mail ? { url: mail.url, action: part("action") } : undefined;
  const text = [
    greeting,
    part("text"),
    ...(link === undefined ? [] : [`${link.action}:\n${link.url}`]),
    part("note"),
    `-- \n${footer}`,
  ].join("\n\n");
  return { subject: part("subject"), text: `${text}\n`, html: page({ locale, face, greeting, footer, link, part }) };
};

type Parts = {
  readonly locale: Locale;
  readonly face: Face;
  readonly greeting: string;
  readonly footer: string;
  readonly link: { readonly url: string; readonly action: string } | undefined;
  readonly part: (name: string) => string;
};

const font = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;line-height:1.5";

const page = ({ locale, face, greeting, footer, link, part }: Parts): string => `<!doctype html>
<html lang="${locale}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${escaped(part("subject"))}</title></head>
<body style="margin:0;padding:24px 12px;${font};font-size:16px">
<div style="max-width:480px;margin:0 auto">
<p style="font-weight:600;font-size:18px;margin:0 0 24px;padding:0 0 12px;border-bottom:3px solid ${face.accentColor}">${escaped(face.name)}</p>
<p>${escaped(greeting)}</p>
<p>${escaped(part("text"))}</p>${
  link === undefined
    ? ""
    : `
<p style="margin:28px 0"><a href="${escaped(link.url)}" style="display:inline-block;padding:12px 20px;border-radius:8px;background:${face.accentColor};color:${textOn(face.accentColor)};text-decoration:none;font-weight:600">${escaped(link.action)}</a></p>
<p style="font-size:13px;word-break:break-all">${escaped(link.url)}</p>`
}
<p style="font-size:14px">${escaped(part("note"))}</p>
<p style="font-size:13px;margin-top:32px">${escaped(footer)}</p>
</div>
</body>
</html>
`;
