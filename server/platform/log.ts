/** Structured logs: one JSON line each on standard output, with request ids, and with every secret refused. */
import { pino } from "pino";

export type Log = {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  debug(fields: object, message: string): void;
};

/** Fields that may hold a secret, wherever they stand. A second fence: nothing should log them in the first place. */
const secretFields = [
  "authorization",
  "client_secret",
  "token",
  "access_token",
  "refresh_token",
  "password",
  "secret",
  "cookie",
  "client_assertion",
];

export const openLog = (level: string): Log =>
  pino({
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: secretFields.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: "[secret]" },
  });

/** For tests and tools that want quiet. */
export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };
