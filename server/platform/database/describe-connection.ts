/** Says where a database was looked for and what to do when it was not found: one sentence, and never the password. */
import { codeOf } from "./unavailable.ts";

/** `host:port/database`. Never the user's password, nor the address's other parameters, which may hold one. */
export const describeConnection = (url: string): string => {
  const parts = partsOf(url);
  return parts === undefined ? "an address that cannot be read" : `${parts.host}:${parts.port}/${parts.database}`;
};

/** Why no connection to the URL's database could be made, and what to do about it. */
export const describeConnectionError = (error: unknown, url: string): string => {
  const parts = partsOf(url);
  if (parts === undefined) {
    return "the database URL cannot be read: write it as `postgres://user:password@host:5432/database`, with special characters percent-encoded";
  }
  const where = describeConnection(url);
  const code = codeOf(error);
  const said = redact(error instanceof Error ? error.message : String(error), parts.password);
  const sentence = sentences.find(({ when }) => when.test(code) || when.test(said));
  return sentence === undefined
    ? `no connection to the database at ${where}: ${said}`
    : sentence.say({ ...parts, where, said });
};

type Parts = {
  readonly host: string;
  readonly port: string;
  readonly database: string;
  readonly user: string;
  readonly password: string;
};

const partsOf = (url: string): Parts | undefined => {
  const parsed = URL.parse(url);
  if (parsed === null || !/^postgres(?:ql)?:$/.test(parsed.protocol)) return undefined;
  const { searchParams, username, password, pathname } = parsed;
  const user = decoded(searchParams.get("user") ?? username) || "the operating system's user";
  return {
    host: decoded(searchParams.get("host") ?? parsed.hostname) || "localhost",
    port: (searchParams.get("port") ?? parsed.port) || "5432",
    database: decoded(pathname.slice(1)) || user,
    user,
    password: decoded(searchParams.get("password") ?? password),
  };
};

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** No driver is known to repeat a password; this makes sure of it. */
const redact = (text: string, password: string): string =>
  password === "" ? text : text.replaceAll(password, "[secret]").replaceAll(encodeURIComponent(password), "[secret]");

type Found = Parts & { readonly where: string; readonly said: string };

/** By SQLSTATE, by the system's code, or by what the driver says where it gives no code; the first that matches. */
const sentences: readonly { readonly when: RegExp; say(found: Found): string }[] = [
  {
    when: /^ECONNREFUSED$/,
    say: ({ where }) =>
      `nothing listens at ${where}: start PostgreSQL there, or correct host and port in the database URL`,
  },
  {
    when: /^(?:ENOTFOUND|EAI_AGAIN)$/,
    say: ({ host, where }) =>
      `the host name \`${host}\` of the database at ${where} cannot be resolved: correct it in the database URL, or check DNS`,
  },
  {
    when: /^(?:ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$|timeout/,
    say: ({ where }) =>
      `the database at ${where} did not answer in time: check that it runs, and that a firewall lets this machine through`,
  },
  {
    when: /^28P01$/,
    say: ({ where, user }) =>
      `the database at ${where} does not accept the password of user \`${user}\`: correct it in the database URL`,
  },
  {
    when: /^28000$/,
    say: ({ where, user, said }) =>
      `the database at ${where} does not let user \`${user}\` in (${said}): add a line to its pg_hba.conf, or use another user`,
  },
  {
    when: /^3D000$/,
    say: ({ where, user, database }) =>
      `there is no database at ${where}: create it with \`create database "${database}" owner "${user}"\`, or correct its name in the database URL`,
  },
  {
    when: /^53300$/,
    say: ({ where }) =>
      `the database at ${where} has no connections left: raise its max_connections, or make the pools smaller`,
  },
  {
    when: /^57P03$/,
    say: ({ where }) => `the database at ${where} is starting up or shutting down: try again in a moment`,
  },
  {
    when: /role "[^"]*" does not exist|permission denied to set role|cannot set role/i,
    say: ({ where, user, said }) =>
      `the database at ${where} does not let user \`${user}\` take the application's role (${said}): migrate it first, or run \`grant countersign_app to "${user}"\` there`,
  },
  {
    when: /does not support SSL/,
    say: ({ where }) =>
      `the database at ${where} does not speak TLS: turn \`ssl\` on there, or take \`sslmode\` out of the database URL`,
  },
  {
    when: /no pg_hba\.conf entry/,
    say: ({ where, said }) => `the database at ${where} refuses this machine (${said}): add a line to its pg_hba.conf`,
  },
  {
    when: /CERT|^ERR_(?:SSL|TLS)|^UNABLE_TO_|certificate|SSL connection/i,
    say: ({ where, said }) =>
      `the TLS certificate of the database at ${where} is not trusted (${said}): name its authority with \`sslrootcert=/path/ca.pem\` in the database URL`,
  },
];
