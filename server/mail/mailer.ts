/**
 * Takes mail out of the outbox and sends it, at least once.
 *
 *     queued → committed → leased → sent (the row is gone)
 *                  ↑          ├───→ given up, when its time is over or its address is refused (the row is gone)
 *                  └──────────┘ the mail server did not take it, or the process died: due again later
 *
 * Any number of processes work at once: each leases different rows, for longer than sending may take. So no transaction is open while a
 * mail server is slow, and the mail of a process that died is sent by another when its lease is over, under the same Message-ID.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { join } from "node:path";
import { hostTenant } from "../../core/ids.ts";
import { type Clock, monotonicMs } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { type SecretKey, unseal } from "../platform/keys/seal.ts";
import type { Log } from "../platform/log.ts";
import { mailFile, openMailFiles } from "../platform/mail/files.ts";
import { openSmtp } from "../platform/mail/smtp.ts";
import { type MailMessage, type MailTransport, Undeliverable } from "../platform/mail/transport.ts";
import { tenantFront } from "../policies/front.ts";
import type { Mail } from "./model.ts";
import { mailRow } from "./queue-mail.ts";
import { type DueMail, leaseDue, nextDue, postpone, removeMail } from "./store.ts";
import { type Face, linkWithheld, write } from "./words.ts";

export type MailerNeeds = {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly secretKey: SecretKey;
  /** Empty writes mail into `{dataDir}/mail`. */
  readonly smtpUrl: string;
  /** `Name <address>` or an address; empty is `no-reply@` the issuer's host. */
  readonly from: string;
  readonly dataDir: string;
  readonly issuer: string;
};

export type Mailer = {
  /** Wakes it: something has been committed. Cheap, and meant to be called often. */
  kick(): void;
  /** Resolves when all that was due at the call has been tried. */
  idle(): Promise<void>;
  /** Lets the sending under way end, and begins no other. */
  close(): Promise<void>;
};

const batch_max = 10;
/** Longer than the mail server's timeouts together. */
const lease_ms = 120_000;
const send_ms_max = 90_000;
const retry_ms_min = 15_000;
const retry_ms_max = 3_600_000;
/** Commits come often, and few of them with mail: the outbox is looked at no oftener than this. */
const gatherMs = 200;
const heartbeatMs = 2_000;

const defaultName = "Countersign";
/** As on the pages. */
const defaultAccent = "#1f5f52";

export const openMailer = (needs: MailerNeeds): Mailer => {
  const { log } = needs;
  const transport = needs.smtpUrl === "" ? openMailFiles(mailFolder(needs)) : openSmtp(needs.smtpUrl);
  /** Our own commits wake everybody but us. */
  const ours = new AsyncLocalStorage<true>();
  let running: Promise<void> | undefined;
  let next: { readonly at: number; readonly timer: NodeJS.Timeout } | undefined;
  let waiters: (() => void)[] = [];
  let failing = false;
  const state = { closed: false };

  const schedule = (ms: number): void => {
    if (state.closed) return;
    const at = monotonicMs() + ms;
    if (next !== undefined) {
      if (next.at <= at) return;
      clearTimeout(next.timer);
    }
    next = { at, timer: setTimeout(begin, ms).unref() };
  };

  const begin = (): void => {
    next = undefined;
    if (state.closed) return;
    // What came during a turn may have come too late for it.
    if (running !== undefined) return schedule(gatherMs);
    running = ours.run(true, turn).finally(() => {
      running = undefined;
    });
  };

  const turn = async (): Promise<void> => {
    const served = waiters;
    waiters = [];
    try {
      for (let tried = 1; tried > 0 && !state.closed; ) tried = await sendDue(needs, transport);
      failing = false;
    } catch (error) {
      if (!failing) log.warn({ error: messageOf(error) }, "the mail outbox cannot be read now");
      failing = true;
    }
    for (const resolve of served) resolve();
    schedule(waiters.length > 0 ? 0 : heartbeatMs);
  };

  schedule(0);
  return {
    kick: () => {
      if (ours.getStore() !== true) schedule(gatherMs);
    },
    idle: () =>
      new Promise((resolve) => {
        if (state.closed) return resolve();
        waiters.push(resolve);
        schedule(0);
      }),
    close: async () => {
      state.closed = true;
      clearTimeout(next?.timer);
      await running;
      for (const resolve of waiters.splice(0)) resolve();
      await transport.close();
    },
  };
};

export const mailFolder = ({ dataDir }: Pick<MailerNeeds, "dataDir">): string => join(dataDir, "mail");

/** Sends what is due; returns how many mails it tried. */
const sendDue = async (needs: MailerNeeds, transport: MailTransport): Promise<number> => {
  const now = needs.clock.now();
  const due = await needs.database.hostTransaction(async (tx) => {
    // Most of the time there is nothing, and nothing is written.
    const at = await nextDue(tx);
    return at === undefined || at.getTime() > now
      ? []
      : leaseDue(tx, new Date(now), new Date(now + lease_ms), batch_max);
  });
  await Promise.all(due.map((row) => sendOne(needs, transport, row)));
  return due.length;
};

const sendOne = async (needs: MailerNeeds, transport: MailTransport, row: DueMail): Promise<void> => {
  const { database, clock, log } = needs;
  const settle = (gone: boolean): Promise<void> =>
    database.hostTransaction((tx) =>
      gone ? removeMail(tx, row) : postpone(tx, row, new Date(clock.now() + retryAfter(row.attempts))),
    );
  const facts = { mail: row.id, tenant: row.tenant_id, attempt: row.attempts };
  try {
    if (row.expire_time.getTime() <= clock.now()) {
      log.error(facts, "a mail was never taken, and is given up");
      return await settle(true);
    }
    const mail = opened(needs, row);
    const message = await messageOfMail(needs, mail, row);
    await within(send_ms_max, transport.send(message));
    if (needs.smtpUrl === "") tellOfFile(needs, mail, message);
    else log.info({ ...facts, template: mail.template }, "a mail was sent");
    await settle(true);
  } catch (error) {
    const hopeless = error instanceof Undeliverable;
    log.warn(
      { ...facts, error: messageOf(hopeless ? (error.cause ?? error) : error) },
      hopeless ? "a mail's address is refused; it is given up" : "a mail could not be sent; it is tried again",
    );
    // Where the database can't be asked either, the lease ends by itself.
    await settle(hopeless).catch(() => undefined);
  }
};

/** 15 s, 30 s, 1 min … 1 h. */
const retryAfter = (attempts: number): number => Math.min(retry_ms_min * 2 ** Math.min(attempts - 1, 20), retry_ms_max);

const opened = ({ secretKey }: MailerNeeds, row: DueMail): Mail =>
  JSON.parse(unseal(secretKey, mailRow(row.id), row.content_sealed).toString()) as Mail;

const messageOfMail = async (needs: MailerNeeds, mail: Mail, row: DueMail): Promise<MailMessage> => {
  const { hostname } = new URL(needs.issuer);
  return {
    id: row.id,
    from: senderOf(needs.from, hostname),
    to: mail.to,
    ...write(mail, await faceOf(needs.database, mail)),
    time: row.create_time,
    host: hostname,
  };
};

const faceOf = async (database: Database, mail: Mail): Promise<Face> => {
  const front = await tenantFront(database, mail.tenant ?? hostTenant);
  const own = mail.tenant === null || mail.tenant === hostTenant ? defaultName : front?.displayName;
  return {
    name: front?.brand?.displayName ?? own ?? defaultName,
    accentColor: front?.brand?.accentColor ?? defaultAccent,
  };
};

/** `Name <address>`, or an address alone. */
export const senderOf = (from: string, hostname: string): MailMessage["from"] => {
  const [, name, address] = /^\s*(.*?)\s*<([^<>\s]+)>\s*$/.exec(from) ?? [];
  if (address !== undefined) return { name: (name ?? "").replaceAll(/^"|"$/g, ""), address };
  return { name: defaultName, address: from.trim() === "" ? `no-reply@${hostname}` : from.trim() };
};

/** Where the file is, and all it says but the link: a log is read by more people than the mailbox. */
const tellOfFile = (needs: MailerNeeds, mail: Mail, message: MailMessage): void => {
  const text = "url" in mail ? message.text.replaceAll(mail.url, linkWithheld) : message.text;
  needs.log.info(
    { to: mail.to, subject: message.subject, text, file: mailFile(mailFolder(needs), message) },
    "a mail was written to a file, as no mail server is configured",
  );
};

const within = async (ms: number, work: Promise<void>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("the mail server took too long")), ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
