/**
 * A real SMTP server on loopback, and what it was given. It can be taken down, told to refuse, or made to break off in the middle of a
 * message, as real ones do.
 */
import { createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { SMTPServer } from "smtp-server";

export type Received = {
  readonly from: string;
  readonly to: readonly string[];
  /** As it came, header and body. */
  readonly raw: string;
};

export type Mailbox = {
  readonly url: string;
  readonly received: readonly Received[];
  /** The next one to this address that has not been asked for yet. */
  next(to: string, withinMs?: number): Promise<Received>;
  /** How to treat what comes: take it, refuse its address, or cut the connection once its body has begun. */
  behave(how: "take" | "refuse" | "cut"): void;
  /** Stops listening and cuts every connection. */
  kill(): Promise<void>;
  /** Listens again, at the same port. */
  revive(): Promise<void>;
  close(): Promise<void>;
};

export const openMailbox = async (): Promise<Mailbox> => {
  const received: Received[] = [];
  const asked = new Set<Received>();
  let behaviour: "take" | "refuse" | "cut" = "take";
  let port = 0;
  let server: SMTPServer | undefined;
  const sockets = new Set<Socket>();
  const cutAll = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  const waiters: (() => void)[] = [];

  const start = async (): Promise<void> => {
    const made = new SMTPServer({
      authOptional: true,
      disabledCommands: ["STARTTLS"],
      logger: false,
      onRcptTo: (_address, _session, done) => {
        if (behaviour !== "refuse") return done();
        done(Object.assign(new Error("no such mailbox"), { responseCode: 550 }));
      },
      onData: (stream, session, done) => {
        if (behaviour === "cut") {
          stream.resume();
          cutAll();
          return;
        }
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("end", () => {
          const from = session.envelope.mailFrom;
          received.push({
            from: from === false ? "" : from.address,
            to: session.envelope.rcptTo.map((one) => one.address),
            raw: Buffer.concat(chunks).toString(),
          });
          for (const wake of waiters.splice(0)) wake();
          done();
        });
      },
    });
    made.on("error", () => undefined);
    made.server.on("connection", (socket: Socket) => sockets.add(socket));
    made.listen(port, "127.0.0.1");
    await once(made.server, "listening");
    port = (made.server.address() as { port: number }).port;
    server = made;
  };
  const stop = async (): Promise<void> => {
    const gone = server;
    server = undefined;
    if (gone === undefined) return;
    cutAll();
    await new Promise<void>((resolve) => gone.close(() => resolve()));
  };
  await start();

  return {
    url: `smtp://127.0.0.1:${port}`,
    received,
    next: async (to, withinMs = 15_000) => {
      const late = pause(withinMs, "late" as const, { ref: false });
      for (;;) {
        const found = received.find((mail) => mail.to.includes(to) && !asked.has(mail));
        if (found !== undefined) {
          asked.add(found);
          return found;
        }
        const woken = new Promise<void>((resolve) => waiters.push(resolve));
        if ((await Promise.race([woken, late])) === "late")
          throw new Error(
            `no mail to ${to} within ${withinMs} ms; there were ${JSON.stringify(received.map((one) => one.to))}`,
          );
      }
    },
    behave: (how) => {
      behaviour = how;
    },
    kill: stop,
    revive: start,
    close: stop,
  };
};

/** A header's value, unfolded and with its encoded words read (RFC 2047). */
export const headerOf = ({ raw }: Received, name: string): string | undefined => {
  const head = raw.split("\r\n\r\n", 1)[0] ?? "";
  const line = head
    .replaceAll(/\r\n[ \t]+/g, " ")
    .split("\r\n")
    .find((one) => one.toLowerCase().startsWith(`${name.toLowerCase()}:`));
  return line
    ?.slice(name.length + 1)
    .trim()
    .replaceAll(/\?=\s+=\?/g, "?==?")
    .replaceAll(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_all, kind: string, text: string) =>
      kind.toLowerCase() === "b" ? Buffer.from(text, "base64").toString() : unquoted(text.replaceAll("_", " ")),
    );
};

const unquoted = (text: string): string =>
  Buffer.from(
    text.replaceAll(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  ).toString();

/** The plain-text part, decoded. */
export const textOf = ({ raw }: Received): string => {
  const part = /Content-Type: text\/plain[^]*?\r\n\r\n([^]*?)\r\n--/i.exec(raw);
  const encoding = /Content-Type: text\/plain[^]*?Content-Transfer-Encoding: (\S+)/i.exec(raw)?.[1]?.toLowerCase();
  const body = part?.[1] ?? "";
  if (encoding === "base64") return Buffer.from(body, "base64").toString();
  return encoding === "quoted-printable" ? unquoted(body.replaceAll("=\r\n", "")) : body;
};

/** The link a mail carries. */
export const linkOf = (mail: Received): string => {
  const link = /https?:\/\/\S+/.exec(textOf(mail))?.[0];
  if (link === undefined) throw new Error(`the mail has no link: ${textOf(mail)}`);
  return link;
};

/** A port where connections are accepted and nothing is ever said. */
export const openSilence = async (): Promise<{ readonly url: string; readonly close: () => Promise<void> }> => {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return {
    url: `smtp://127.0.0.1:${port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
};
