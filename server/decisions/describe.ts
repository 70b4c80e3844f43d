/** A check's answer in words and as data, the same for gRPC and REST. */
import { explain } from "../../core/decide/explain.ts";
import type { Decision } from "../../core/decide/types.ts";
import type { CheckAnswer, Unknown } from "./check.ts";

const isUnknown = (because: CheckAnswer["because"]): because is Unknown =>
  because.rule === "unknown_resource" || because.rule === "unknown_subject" || because.rule === "token_not_active";

const whyUnknown = (because: Unknown): string => {
  switch (because.rule) {
    case "unknown_resource":
      return `there is no \`${because.resource}\` in that tenant, and no registered parent of it was named`;
    case "unknown_subject":
      return `\`${because.subject}\` is no principal`;
    case "token_not_active":
      return "the subject's token is unknown, expired or revoked";
    default:
      return because satisfies never;
  }
};

/** Sentences for whoever reads the answer, the reason first, then each obligation. */
export const sentences = (answer: CheckAnswer): readonly string[] =>
  isUnknown(answer.because) ? [whyUnknown(answer.because)] : explain(answer as Decision);
