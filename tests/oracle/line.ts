/** A line of the protocol file: a sentence of a specification, what is done, and the answer it must have. */
import type { Contender } from "./contender.ts";

/** `because` says why the two differ, and stands in docs/conformance.md. */
export type Answer = string | { readonly ours: string; readonly oracle: string; readonly because: string };

export type Line = {
  readonly says: string;
  readonly probe: (contender: Contender) => Promise<string>;
  readonly answer: Answer;
};

export const line = (says: string, answer: Answer, probe: Line["probe"]): Line => ({ says, probe, answer });
