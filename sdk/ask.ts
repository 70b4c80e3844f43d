/** Asking Countersign something over HTTP: bounded in time and size, never redirected, and either a status with JSON or unreachable. */
import type { Platform } from "./platform.ts";

/** Countersign did not answer, or nothing that could be read as an answer. Whatever hangs on it is a no. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

export type Asked = {
  readonly status: number;
  readonly headers: Headers;
  /** The body as JSON; undefined where it is none. */
  readonly body: unknown;
};

const octets_max = 1_000_000;

export type Asking = { readonly platform: Platform; readonly timeoutMs: number };

export const ask = async ({ platform, timeoutMs }: Asking, url: string, init: RequestInit = {}): Promise<Asked> => {
  try {
    const answer = await platform.fetch(url, {
      ...init,
      // Credentials and tokens go where they were sent, and nowhere from there.
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: answer.status, headers: answer.headers, body: parsed(await bounded(answer)) };
  } catch (error) {
    if (error instanceof Unreachable) throw error;
    throw new Unreachable(`${url} did not answer: ${whyIn(error, timeoutMs)}`, { cause: error });
  }
};

/** `fetch` keeps the reason in a cause, or in a cause of that. */
const whyIn = (error: unknown, timeoutMs: number): string => {
  if (!(error instanceof Error)) return "nobody knows why";
  if (error.name === "TimeoutError") return `not within ${timeoutMs} ms`;
  if (error.cause instanceof Error) return whyIn(error.cause, timeoutMs);
  const { code } = error as { readonly code?: unknown };
  return error.message === "" && typeof code === "string" ? code : error.message;
};

const bounded = async (answer: Response): Promise<string> => {
  const decoder = new TextDecoder();
  let text = "";
  let octets = 0;
  if (answer.body === null) return text;
  for await (const part of answer.body as unknown as AsyncIterable<Uint8Array>) {
    octets += part.length;
    if (octets > octets_max) throw new Unreachable("an answer was too large");
    text += decoder.decode(part, { stream: true });
  }
  return text + decoder.decode();
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const reason_length_max = 300;

/** Why something was refused, in the answer's own words and for an operator alone: an OAuth error and its description, or a problem's detail. */
export const reasonIn = ({ status, body }: Asked): string => {
  const { error, error_description, detail } = membersOf(body);
  const words = [error, error_description, detail].filter((one) => typeof one === "string" && one !== "");
  return words.length === 0 ? String(status) : `${status}, ${words.join(": ").slice(0, reason_length_max)}`;
};

/** A value as an object whose members can be looked at; empty for everything else. */
export const membersOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
