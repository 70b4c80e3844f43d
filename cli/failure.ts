/** What ends a command, as the person at the terminal reads it: our own refusals, the server's problem documents, and OAuth's errors. */

/** Expected; its lines are printed as they are. */
export class Failure extends Error {
  readonly lines: readonly string[];
  constructor(...lines: readonly string[]) {
    super(lines.join("\n"));
    this.lines = lines;
  }
}

/** Whatever was thrown, as text. Start-up's refusals have several reasons. */
export const failureText = (error: unknown): string => {
  if (error instanceof Failure) return error.lines.join("\n");
  if (!(error instanceof Error)) return String(error);
  if ("reasons" in error && Array.isArray(error.reasons))
    return error.reasons.map((reason) => `- ${reason}`).join("\n");
  return error.message;
};

type Problem = {
  readonly title?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
  readonly request_id?: string;
};
type OAuthError = { readonly error?: string; readonly error_description?: string };

/** An answer that is no success: RFC 9457's title and detail, the fields that were wrong, and the request id to look for in the log. */
export const failureOf = (status: number, body: unknown): Failure => {
  if (typeof body !== "object" || body === null) return new Failure(`the server answered ${status}`);
  const { title, detail, errors, request_id } = body as Problem;
  const { error, error_description } = body as OAuthError;
  if (title === undefined)
    return new Failure(
      `${error ?? `the server answered ${status}`}${error_description === undefined ? "" : `: ${error_description}`}`,
    );
  return new Failure(
    `${title} (${status})`,
    ...(detail === undefined ? [] : [`  ${detail}`]),
    ...(errors ?? []).map(({ path, message }) => `  - ${path}: ${message}`),
    ...(request_id === undefined ? [] : [`  request ${request_id}`]),
  );
};
