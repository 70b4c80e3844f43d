/**
 * Asking whether they may: AuthZEN 1.0's evaluation, with the caller's token as the subject, so that the decision sees a revocation at once.
 * An answer is kept by nobody, and whatever is not plainly a yes is a no.
 */
import type { Attributes } from "../../core/decide/types.ts";
import { parseRef } from "../../core/ids.ts";
import { ask, type Asked, type Asking, membersOf, reasonIn, Unreachable } from "../ask.ts";
import type { ServiceToken } from "./service-token.ts";

export type Question = {
  /** The caller's token. */
  readonly token: string;
  readonly permission: string;
  /** Refs. */
  readonly resource: string;
  readonly parent?: string;
  /** For a principal of the host: the tenant it wants to act in. */
  readonly tenant?: string;
  readonly context?: Attributes;
};

export type Answer =
  | { readonly at: "permitted"; readonly because: Attributes }
  | {
      readonly at: "denied";
      readonly because: Attributes;
      /** What would turn the no into a yes; empty where nothing would. */
      readonly obligations: readonly Attributes[];
    }
  /** The caller's own token was refused where it was asked with. */
  | { readonly at: "not_active" }
  | { readonly at: "unanswered"; readonly retryAfterSeconds: number };

export type Evaluating = Asking & {
  readonly url: string;
  /** Absent: asked with the caller's own token. */
  readonly serviceToken: ServiceToken | undefined;
};

const unanswered = (retryAfterSeconds = 1): Answer => ({ at: "unanswered", retryAfterSeconds });
const retry_after_seconds_max = 60;

export const evaluate = async (needs: Evaluating, question: Question): Promise<Answer> => {
  try {
    const { serviceToken } = needs;
    if (serviceToken === undefined) {
      const said = await asked(needs, question, question.token);
      return said.status === 401 ? { at: "not_active" } : answerIn(needs, said);
    }
    const token = await serviceToken.current();
    const said = await asked(needs, question, token);
    if (said.status !== 401) return answerIn(needs, said);
    // Ours was revoked, or its key has gone: once more with a new one.
    serviceToken.drop(token);
    return answerIn(needs, await asked(needs, question, await serviceToken.current()));
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    needs.platform.report("the decision point did not answer", error);
    return unanswered();
  }
};

const asked = (needs: Evaluating, question: Question, token: string): Promise<Asked> => {
  const { collection, id } = parseRef(question.resource) ?? { collection: "", id: question.resource };
  return ask(needs, needs.url, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({
      subject: {
        type: "access_token",
        id: question.token,
        ...(question.tenant === undefined ? {} : { properties: { tenant: question.tenant } }),
      },
      action: { name: question.permission },
      resource: {
        type: collection,
        id,
        ...(question.parent === undefined ? {} : { properties: { parent: question.parent } }),
      },
      ...(question.context === undefined ? {} : { context: question.context }),
    }),
  });
};

const answerIn = ({ platform }: Evaluating, said: Asked): Answer => {
  const { decision, context } = membersOf(said.body);
  if (said.status !== 200 || typeof decision !== "boolean") {
    const hint = said.status === 403 ? "; the role of this service's account needs `access:check`" : "";
    platform.report(`the decision point gave no decision (${reasonIn(said)})${hint}`);
    return unanswered(secondsOf(said.headers.get("retry-after")));
  }
  const { because: rule, obligations, effect } = membersOf(context);
  const because = membersOf(rule);
  if (because.rule === "unknown_permission")
    platform.report(`the access model has no permission \`${String(because.permission)}\`, which a route asks for`);
  const open = Array.isArray(obligations) ? obligations.map(membersOf) : [];
  // A yes with something left to do is not one yet, and neither is one that contradicts itself.
  const plain = decision && open.length === 0 && (effect === undefined || effect === "permit");
  return plain ? { at: "permitted", because } : { at: "denied", because, obligations: open };
};

const secondsOf = (header: string | null): number => {
  const seconds = Number(header ?? "1");
  return Number.isInteger(seconds) && seconds >= 1 ? Math.min(seconds, retry_after_seconds_max) : 1;
};
