/** A check's answer in words and as data, the same for gRPC and REST. */
import { explain } from "../../core/decide/explain.ts";
import type { Decision } from "../../core/decide/types.ts";
import type { CheckAnswer, Unknown } from "./check.ts";

const isUnknown = (because: CheckAnswer["because"]): because is Unknown =>
  because.rule === "unknown_resource" || because.rule === "token_not_active";

const whyUnknown = (because: Unknown): string =>
  because.rule === "unknown_resource"
    ? `there is no \`${because.resource}\` in that tenant, and no registered parent of it was named`
    : "the subject's token is unknown, expired or revoked";

/** Sentences for whoever reads the answer, the reason first, then each obligation. */
export const sentences = (answer: CheckAnswer): readonly string[] =>
  isUnknown(answer.because) ? [whyUnknown(answer.because)] : explain(answer as Decision);
