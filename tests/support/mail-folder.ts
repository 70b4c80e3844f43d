/** The mails a server without a mail server has written: each becomes a file in the folder `mail/` of its data directory. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const mailWithinMs = 20_000;

/** RFC 2045 §6.7: quoted-printable. */
const unfolded = (mail: string): string =>
  mail
    .replaceAll(/=\r?\n/g, "")
    .replaceAll(/=([0-9A-F]{2})/g, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** The link in the newest mail to this address, as soon as one is there: each mail is sent by one of the processes. */
export const mailedLink = async (dataDirs: readonly string[], to: string): Promise<string> => {
  const folders = dataDirs.map((dataDir) => join(dataDir, "mail"));
  for (const until = Date.now() + mailWithinMs; Date.now() < until; await pause(50))
    for (const folder of folders) {
      const names: readonly string[] = await readdir(folder).catch(() => []);
      // What ends otherwise is not yet a whole mail.
      for (const name of names
        .filter((one) => one.endsWith(".eml"))
        .toSorted()
        .toReversed()) {
        const text = unfolded(await readFile(join(folder, name), "utf8"));
        const link = /https?:\/\/\S+link=[\w-]+[^\s"<>)]*/.exec(text)?.[0];
        if (text.includes(to) && link !== undefined) return link.replaceAll("&amp;", "&");
      }
    }
  throw new Error(`no mail with a link reached ${to}`);
};
