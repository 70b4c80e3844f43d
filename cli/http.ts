/** One request to the server and its answer. What is no success is thrown as a `Failure`, in the server's own words. */
import { Failure, failureOf } from "./failure.ts";

export type Exchange = {
  readonly method: string;
  /** Below the issuer, with its query. */
  readonly path: string;
  readonly authorization?: string;
  readonly form?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

export type Exchanged = { readonly status: number; readonly headers: Headers; readonly body: unknown };

const answerWithinMs = 20_000;

export const exchange = async (issuer: string, request: Exchange): Promise<Exchanged> => {
  const { method, path, authorization, form, json } = request;
  const url = `${issuer}${path}`;
  const content = form === undefined ? jsonContent(json) : formContent(form);
  const response = await fetch(url, {
    method,
    redirect: "error",
    signal: AbortSignal.timeout(answerWithinMs),
    headers: { ...content.headers, ...(authorization === undefined ? {} : { authorization }), ...request.headers },
    ...(content.body === undefined ? {} : { body: content.body }),
  }).catch((error: unknown) => {
    throw unreachable(issuer, error);
  });
  const body = read(await response.text());
  if (!response.ok) throw failureOf(response.status, body);
  return { status: response.status, headers: response.headers, body };
};

type Content = { readonly headers: Readonly<Record<string, string>>; readonly body: string | undefined };

const jsonContent = (json: unknown): Content =>
  json === undefined
    ? { headers: {}, body: undefined }
    : { headers: { "content-type": "application/json" }, body: JSON.stringify(json) };

const formContent = (form: Readonly<Record<string, string>>): Content => ({
  headers: { "content-type": "application/x-www-form-urlencoded" },
  body: new URLSearchParams(form).toString(),
});

const read = (text: string): unknown => {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
};

/** Node's `fetch` says `fetch failed`, and keeps the reason in the cause. */
const unreachable = (issuer: string, error: unknown): Failure => {
  const { name, message, cause } = error as Error & { cause?: { code?: string; message?: string } };
  const why =
    name === "TimeoutError" ? `no answer in ${answerWithinMs / 1000} s` : (cause?.code ?? cause?.message ?? message);
  return new Failure(
    `no server answers at ${issuer} (${why})`,
    "start one with `npm start`, or name another with `--issuer` or COUNTERSIGN_ISSUER",
  );
};
