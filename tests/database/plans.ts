/**
 * What PostgreSQL did with every statement it was given, those inside functions among them: it tells each client its plans (`auto_explain`, as
 * notices), and a relay between the two listens. So what is looked at is the plan that was really taken, by the role the application works
 * as, under row-level security, with whatever the connection had cached.
 */
import { createServer, connect, type AddressInfo } from "node:net";
import pg from "pg";
import { startPostgres } from "../support/postgres.ts";

/** One table or index that a statement read. */
export type Access = {
  readonly how: string;
  readonly table: string;
  readonly index: string | undefined;
  /** What of the index's columns it looked for; empty where it walked all of it. */
  readonly condition: string;
};

export type Plan = { readonly statement: string; readonly accesses: readonly Access[]; readonly buffers: number };

type Node = {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Index Cond"?: string;
  readonly "Shared Hit Blocks"?: number;
  readonly "Shared Read Blocks"?: number;
  readonly Plans?: readonly Node[];
};

export type PlannedPostgres = {
  /** Of the relay: what is asked here is listened to. */
  readonly url: string;
  /** Of the server itself. */
  readonly quietUrl: string;
  /** The plans of what has run since this was last asked, oldest first. */
  plans(): readonly Plan[];
  stop(): Promise<void>;
};

const settings: readonly string[] = [
  "load 'auto_explain'",
  "alter system set session_preload_libraries = 'auto_explain'",
  "alter system set auto_explain.log_min_duration = 0",
  "alter system set auto_explain.log_nested_statements = on",
  "alter system set auto_explain.log_analyze = on",
  "alter system set auto_explain.log_timing = off",
  "alter system set auto_explain.log_buffers = on",
  "alter system set auto_explain.log_format = 'json'",
  "alter system set auto_explain.log_level = 'notice'",
  // Plans are to be those for what the tables held when they were made.
  "alter system set autovacuum = off",
  // A table of one page is rightly read whole; what is asked here is which index it is found by when it is not.
  "alter system set enable_seqscan = off",
  "select pg_reload_conf()",
];

export const startPlannedPostgres = async (): Promise<PlannedPostgres> => {
  const postgres = await startPostgres({ fsync: false });
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  for (const text of settings) await client.query(text);
  await client.end();

  const heard: string[] = [];
  const { hostname, port } = new URL(postgres.url);
  const relay = createServer((near) => {
    const far = connect(Number(port), hostname);
    const listen = listener((text) => heard.push(text));
    near.on("error", () => far.destroy()).on("close", () => far.destroy());
    far.on("error", () => near.destroy()).on("close", () => near.destroy());
    far.on("data", listen);
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  const url = new URL(postgres.url);
  url.port = String((relay.address() as AddressInfo).port);
  return {
    url: url.href,
    quietUrl: postgres.url,
    plans: () => heard.splice(0).flatMap(planIn),
    stop: async () => {
      relay.close();
      await postgres.stop();
    },
  };
};

/**
 * The texts of the notices in what a server sends, piece by piece. A message is its kind, its length with the length's own four octets, and
 * what it says; a notice (`N`) is fields, of which `M` is the text (PostgreSQL, Frontend/Backend Protocol).
 */
const listener = (hear: (text: string) => void): ((piece: Buffer) => void) => {
  let rest = Buffer.alloc(0);
  return (piece) => {
    rest = Buffer.concat([rest, piece]);
    while (rest.length >= 5) {
      const end = 1 + rest.readUInt32BE(1);
      if (rest.length < end) return;
      if (rest[0] === "N".charCodeAt(0)) {
        const fields = rest.toString("utf8", 5, end).split("\0");
        for (const field of fields) if (field.startsWith("M")) hear(field.slice(1));
      }
      rest = rest.subarray(end);
    }
  };
};

const planIn = (message: string): readonly Plan[] => {
  const at = message.indexOf("plan:\n");
  if (!message.startsWith("duration:") || at < 0) return [];
  const { Plan: top, "Query Text": statement } = JSON.parse(message.slice(at + 6)) as {
    readonly Plan: Node;
    readonly "Query Text": string;
  };
  const buffers = (top["Shared Hit Blocks"] ?? 0) + (top["Shared Read Blocks"] ?? 0);
  return [{ statement: statement.replaceAll(/\s+/g, " ").trim(), accesses: accessesIn(top, ""), buffers }];
};

/** A bitmap's index is below the node that names the table. */
const accessesIn = (node: Node, above: string): readonly Access[] => {
  const table = node["Relation Name"] ?? above;
  const below = (node.Plans ?? []).flatMap((each) => accessesIn(each, table));
  const how = node["Node Type"];
  return /^(Seq|Index|Index Only|Bitmap Index) Scan$/.test(how)
    ? [{ how, table, index: node["Index Name"], condition: node["Index Cond"] ?? "" }, ...below]
    : below;
};
