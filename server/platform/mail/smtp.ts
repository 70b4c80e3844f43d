/**
 * SMTP through nodemailer, over a small pool of connections.
 *
 * `smtps://` speaks TLS from the first octet, `smtp://` takes STARTTLS (RFC 3207) where it is offered. A password never leaves unencrypted:
 * with credentials STARTTLS is required, except on this machine. `?tls=required` requires it without credentials, `?tls=off` does
 * without it, for a relay on a private network.
 */
import { createTransport } from "nodemailer";
import type { MailMessage, MailTransport } from "./transport.ts";
import { Undeliverable } from "./transport.ts";

const connections_max = 3;
const messages_per_connection_max = 100;
const connect_ms_max = 10_000;
const silence_ms_max = 20_000;

const ports = { "smtps:": 465, "smtp:": 587 } as const;
const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** A header has one line, whatever it is made of. */
const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ").trim();

/** One address, and nothing that a header or an envelope could read as a second (RFC 5322 §3.4 without its quoted and commented forms). */
const plainAddress = /^[^\s<>()[\],;:\\"@\p{Cc}]+@[^\s<>()[\],;:\\"@\p{Cc}]+$/u;

const addressOf = (address: string): { readonly name: ""; readonly address: string } => {
  if (!plainAddress.test(address)) throw new Undeliverable(`\`${oneLine(address)}\` is no plain address`);
  return { name: "", address };
};

/**
 * The message as nodemailer takes it. Addresses are objects, so that nothing in one is read as a second; the envelope is given, so that
 * nothing in a header decides who receives it.
 */
export const composed = ({ id, from, to, subject, text, html, time, host }: MailMessage) => {
  const recipient = addressOf(to);
  return {
    from: { name: oneLine(from.name), address: from.address },
    to: recipient,
    envelope: { from: addressOf(from.address), to: [recipient] },
    subject: oneLine(subject),
    text,
    html,
    date: time,
    messageId: `<${id}@${host}>`,
    // RFC 3834 §5: nothing answers it by itself.
    headers: { "Auto-Submitted": "auto-generated" },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
};

const tlsOf = (url: URL): { readonly requireTLS?: true; readonly ignoreTLS?: true; readonly secure?: true } => {
  if (url.protocol === "smtps:") return { secure: true };
  const wanted = url.searchParams.get("tls");
  if (wanted === "off") return { ignoreTLS: true };
  return wanted === "required" || (url.username !== "" && !loopback.test(url.hostname)) ? { requireTLS: true } : {};
};

export const openSmtp = (text: string): MailTransport => {
  const url = new URL(text);
  const credentials =
    url.username === ""
      ? {}
      : { auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } };
  const transport = createTransport({
    host: url.hostname.replaceAll(/^\[|\]$/g, ""),
    port: url.port === "" ? ports[url.protocol as keyof typeof ports] : Number(url.port),
    ...tlsOf(url),
    ...credentials,
    pool: true,
    maxConnections: connections_max,
    maxMessages: messages_per_connection_max,
    connectionTimeout: connect_ms_max,
    greetingTimeout: connect_ms_max,
    socketTimeout: silence_ms_max,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    send: async (message) => {
      try {
        await transport.sendMail(composed(message));
      } catch (error) {
        throw isRefusedRecipient(error)
          ? new Undeliverable("the mail server refuses the address", { cause: error })
          : error;
      }
    },
    close: async () => {
      transport.close();
    },
  };
};

/** RFC 5321 §4.2.1: 5yz is a permanent answer. To RCPT it is about the address; to anything else, about our settings. */
const isRefusedRecipient = (error: unknown): boolean => {
  const { responseCode, command } = error as { responseCode?: unknown; command?: unknown };
  return typeof responseCode === "number" && responseCode >= 500 && responseCode < 600 && command === "RCPT TO";
};
