/** What is sent, and how: by SMTP, or into files where no mail server is configured. */

export type MailMessage = {
  /** Names the file, and the Message-ID: the same mail sent twice can be told. */
  readonly id: string;
  readonly from: { readonly name: string; readonly address: string };
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly time: Date;
  /** The right side of the Message-ID. */
  readonly host: string;
};

export type MailTransport = {
  /** Resolves when the message has been taken over. Throws `Undeliverable` where trying again can't help. */
  send(message: MailMessage): Promise<void>;
  close(): Promise<void>;
};

/** The address itself is refused. */
export class Undeliverable extends Error {}
