/** Puts a mail into the outbox, in the transaction that wants it sent: no commit, no mail; a commit, and it is sent at least once. */
import type { Tx } from "../platform/database/database.ts";
import type { SecretKey } from "../platform/keys/seal.ts";
import { seal } from "../platform/keys/seal.ts";
import { newId } from "../platform/random.ts";
import type { Mail } from "./model.ts";
import { insertMail } from "./store.ts";

/** A mail that could not be delivered for this long is given up: what its link did has expired by then. */
export const mail_lifetime_hours = 24;

/** The name a mail's content is sealed under. */
export const mailRow = (id: string): string => `mail_outbox/${id}`;

/** `now` in ms since the epoch. */
export const queueMail = async (tx: Tx, sealKey: SecretKey, mail: Mail, now: number): Promise<void> => {
  const id = newId<string>();
  const at = new Date(now);
  const expireTime = new Date(now + mail_lifetime_hours * 3_600_000);
  const contentSealed = seal(sealKey, mailRow(id), Buffer.from(JSON.stringify(mail)));
  await insertMail(tx, { id, contentSealed, createTime: at, expireTime });
};
