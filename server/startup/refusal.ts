/** Why the server does not start: sentences for the person at the terminal, one each, that say what to do. */
export class StartRefused extends Error {
  readonly reasons: readonly string[];
  constructor(reasons: readonly string[]) {
    super(reasons.join("\n"));
    this.reasons = reasons;
  }
}
