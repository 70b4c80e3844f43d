/** Where no mail server is configured: each mail becomes a file that a mail program opens, readable by the server's own user alone. */
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTransport } from "nodemailer";
import { composed } from "./smtp.ts";
import type { MailMessage, MailTransport } from "./transport.ts";

const folderMode = 0o700;
const fileMode = 0o600;

/** `20260131T080000.123Z-{id}.eml`: the order of the names is the order of the mails. */
export const mailFile = (folder: string, { id, time }: Pick<MailMessage, "id" | "time">): string =>
  join(folder, `${time.toISOString().replaceAll(/[-:]/g, "")}-${id}.eml`);

export const openMailFiles = (folder: string): MailTransport => {
  const transport = createTransport({ streamTransport: true, buffer: true, newline: "unix" });
  return {
    send: async (message) => {
      const { message: octets } = await transport.sendMail(composed(message));
      await mkdir(folder, { recursive: true, mode: folderMode });
      const path = mailFile(folder, message);
      // A name that ends in `.eml` is a whole mail.
      await writeFile(`${path}.new`, octets as Buffer, { mode: fileMode });
      await rename(`${path}.new`, path);
    },
    close: async () => undefined,
  };
};
