/** A real DNS server on loopback (RFC 1035, over UDP), that knows the TXT records it is told. It can also say nothing. */
import { createSocket } from "node:dgram";
import { once } from "node:events";

export type NameServer = {
  /** As COUNTERSIGN_DNS_SERVERS has it. */
  readonly address: string;
  /** One record a text; a text may be longer than one string of a record holds. */
  readonly records: Map<string, readonly string[]>;
  silent: boolean;
  close(): void;
};

const stringLengthMax = 255;

export const openNameServer = async (): Promise<NameServer> => {
  const socket = createSocket("udp4");
  const records = new Map<string, readonly string[]>();
  socket.on("message", (query, from) => {
    if (server.silent) return;
    const { name, end } = questionOf(query);
    const known = records.get(name);
    const answers = (known ?? []).map(recordOf);
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    // A response, authoritative, recursion as asked; NXDOMAIN where the name is not known.
    header.writeUInt16BE(0x8580 | (known === undefined ? 3 : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(answers.length, 6);
    socket.send(Buffer.concat([header, query.subarray(12, end), ...answers]), from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const server: NameServer = {
    address: `127.0.0.1:${socket.address().port}`,
    records,
    silent: false,
    close: () => {
      socket.close();
    },
  };
  return server;
};

const questionOf = (query: Buffer): { readonly name: string; readonly end: number } => {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), end: at + 5 };
};

/** TXT, class IN, one minute, and a pointer to the name asked for. */
const recordOf = (text: string): Buffer => {
  const octets = Buffer.from(text);
  const strings: Buffer[] = [];
  for (let at = 0; at < octets.length; at += stringLengthMax) {
    const part = octets.subarray(at, at + stringLengthMax);
    strings.push(Buffer.from([part.length]), part);
  }
  const data = Buffer.concat(strings);
  const head = Buffer.from("c00c001000010000003c0000", "hex");
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
};
