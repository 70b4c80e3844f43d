/**
 * Whether a request may pass the gateway it was sent to.
 *
 * Everything that needs no look-up is settled first, but told to nobody before the gateway's own credential has been accepted: who is no
 * gateway learns nothing of the routes. Then, warm, the gateway's credential, the token and the facts about its principal come in one
 * cache round trip, through `check()`. Whatever is not a permit is a refusal.
 */
import { type Fault, fault, isFault, type Result } from "../../../core/faults.ts";
import { hostTenant } from "../../../core/ids.ts";
import { expandedIn } from "../../../core/model/expanded.ts";
import { contains } from "../../../core/model/permissions.ts";
import { acceptBearer, readBearer, readDpopToken } from "../../tokens/bearer.ts";
import { holds, lacking } from "../../tokens/holds.ts";
import type { Presented } from "../../tokens/presented.ts";
import { mayLookInto, type Standing, type Verified } from "../../tokens/standing.ts";
import { check, type CheckAnswer, type CheckQuestion } from "../check.ts";
import { identityOf, isDiverting, isLookalike } from "./identity.ts";
import type { Edge, EdgeAnswer, EdgeQuestion } from "./model.ts";
import { type Bound, matchPath, readTemplate } from "./path-template.ts";
import { boundRef, ruleBeside } from "./read-rule.ts";
import { type HeaderLine, readTarget, type RequestTarget, type SentRequest } from "./request-target.ts";
import type { Rule } from "./route.ts";

/** What a gateway's own principal must hold, in its tenant: it asks about others, and is told who they are. */
export const gatewayPermissions = ["access:check", "tokens:introspect"] as const;

export const judge = async (edge: Edge, asked: EdgeQuestion): Promise<EdgeAnswer> => {
  const { gateway } = asked;
  if (isFault(gateway)) return { at: "gateway", failure: gateway };
  const read = readQuestion(edge, asked);
  if (isFault(read) || read === "public") {
    const [verified] = await edge.verifier.verify([gateway]);
    const accepted = acceptGateway(edge, gateway, verified);
    if (isFault(accepted)) return { at: "gateway", failure: accepted };
    return isFault(read) ? { at: "refuse", failure: read } : { at: "permit", identity: undefined };
  }
  if (read.proof === undefined) return decided(edge, gateway, read, undefined);

  // The token first: nobody without one makes us write down a proof.
  const [verifiedGateway, verified] = await edge.verifier.verify([gateway, read.token]);
  const accepted = acceptGateway(edge, gateway, verifiedGateway);
  if (isFault(accepted)) return { at: "gateway", failure: accepted };
  if (verified === undefined || !mayLookInto(accepted.tenant, read.token.tenant))
    return { at: "refuse", failure: badBound };
  const proven = await edge.prove(read.target, read.proof, { text: read.text, tenant: read.token.tenant });
  if (isFault(proven)) return { at: "refuse", failure: proven };
  return decided(edge, gateway, read, proven?.jkt ?? "");
};

const badToken = fault("invalid_token", "the token is unknown, expired, revoked or meant for another server");
const badBound = fault("invalid_bound_token", badToken.detail);
const notHere = fault("permission_denied", "nothing is let through here");

/** A question that is complete: a token, and what it must be good for. */
type Read = {
  readonly target: RequestTarget;
  readonly rule: Extract<Rule, { at: "guarded" }>;
  readonly token: Presented;
  readonly text: string;
  /** The DPoP proof; undefined under the Bearer scheme. */
  readonly proof: string | undefined;
  readonly question: CheckQuestion;
};

/** Everything that can be said without looking anything up. */
const readQuestion = (edge: Edge, { sent, rule: beside }: EdgeQuestion): Result<Read | "public"> => {
  if (isFault(sent)) return sent;
  const suspicious = suspicion(sent);
  if (suspicious !== undefined) return suspicious;
  const target = readTarget(sent);
  if (isFault(target)) return target;
  const found = beside === undefined ? edge.gatewayRoutes.find(target) : broughtAlong(edge, beside, target);
  if (found === undefined) return notHere;
  const { rule, bound } = found;
  if (rule.at === "public") return "public";
  const presented = readToken(sent);
  if (isFault(presented)) return presented;
  const question = questionOf(rule, bound, presented.text, contextOf(sent, target));
  return question === undefined ? missing(rule.permission) : { target, rule, ...presented, question };
};

/** What is in a request only to be read in two ways. */
const suspicion = ({ lines }: SentRequest): Fault | undefined => {
  const [name] = lines.find(([one]) => isLookalike(one) || isDiverting(one)) ?? [];
  return name === undefined
    ? undefined
    : fault(
        "permission_denied",
        `the request is not let through: the header \`${name.slice(0, 100)}\` is not accepted`,
      );
};

/** The value of a header that may come once. Two of them are read by one server as the first, and as the last by the next. */
export const onlyOne = (lines: readonly HeaderLine[], name: string): Result<string | undefined> => {
  const [first, second] = lines.filter(([one]) => one === name);
  return second === undefined
    ? first?.[1]
    : fault("permission_denied", `the request is not let through: the header \`${name}\` came more than once`);
};

const readToken = ({ lines }: SentRequest): Result<Pick<Read, "token" | "text" | "proof">> => {
  const authorization = onlyOne(lines, "authorization");
  if (isFault(authorization)) return authorization;
  const text = authorization?.slice(authorization.indexOf(" ") + 1).trim() ?? "";
  if (authorization?.slice(0, "dpop ".length).toLowerCase() !== "dpop ") {
    const token = readBearer(authorization);
    return isFault(token) ? token : { token, text, proof: undefined };
  }
  const token = readDpopToken(authorization);
  if (isFault(token)) return badBound;
  const proof = onlyOne(lines, "dpop");
  return isFault(proof) ? proof : { token, text, proof: proof ?? "" };
};

/** The gateway's own rule. With a path, it is a rule for that path alone. */
const broughtAlong = (
  { model }: Edge,
  given: Readonly<Record<string, string>>,
  target: RequestTarget,
): { readonly rule: Rule; readonly bound: Bound } | undefined => {
  const path = given["path"] === undefined ? undefined : readTemplate(given["path"]);
  if (path !== undefined && "wrong" in path) return undefined;
  const bound = path === undefined ? new Map<string, string>() : matchPath(path, target.segments);
  const rule = ruleBeside(given, model, path);
  return rule === undefined || bound === undefined ? undefined : { rule, bound };
};

/**
 * What conditions may look at of the request: what was judged, and nothing that its sender alone says. The path is decoded, so that no other
 * spelling of it gets around a condition.
 */
const contextOf = ({ address }: SentRequest, { method, scheme, host, segments }: RequestTarget) => ({
  method,
  scheme,
  host,
  path: `/${segments.join("/")}`,
  ...(address === undefined ? {} : { ip: address }),
});

/** Undefined where the path holds no id in the resource's place. */
const questionOf = (
  rule: Read["rule"],
  bound: Bound,
  token: string,
  context: NonNullable<CheckQuestion["context"]>,
): CheckQuestion | undefined => {
  const resource = rule.resource === undefined ? undefined : boundRef(rule.resource, bound);
  const parent = rule.parent === undefined ? undefined : boundRef(rule.parent, bound);
  if ((rule.resource !== undefined && resource === undefined) || (rule.parent !== undefined && parent === undefined))
    return undefined;
  return {
    subject: { token },
    permission: rule.permission,
    context,
    ...(resource === undefined ? {} : { resource }),
    ...(parent === undefined ? {} : { parent }),
  };
};

/** Asks `check()`, and hears along what became of the two credentials, which it looks up in the same round trip. */
const decided = async (edge: Edge, gateway: Presented, read: Read, jkt: string | undefined): Promise<EdgeAnswer> => {
  const heard = new Map<string, Verified | undefined>();
  const answers = await check(hearing(edge, heard), gateway, [read.question]);
  if (isFault(answers)) return { at: "gateway", failure: answers };
  const accepted = acceptGateway(edge, gateway, heard.get(gateway.digest));
  if (isFault(accepted)) return { at: "gateway", failure: accepted };
  const verified = heard.get(read.token.digest);
  const refusal = verified === undefined ? badToken : tokenRefusal(edge, accepted, read, verified.standing(), jkt);
  if (verified === undefined || refusal !== undefined) return { at: "refuse", failure: refusal ?? badToken };
  const [answer] = answers;
  const failure = answer === undefined || isFault(answer) ? missing(read.rule.permission) : denial(read.rule, answer);
  return failure === undefined ? { at: "permit", identity: identityOf(verified) } : { at: "refuse", failure };
};

const hearing = (edge: Edge, heard: Map<string, Verified | undefined>): Edge => {
  const hear = (digest: string, verified: Verified | undefined): Verified | undefined => {
    heard.set(digest, verified);
    return verified;
  };
  return {
    ...edge,
    verifier: {
      ...edge.verifier,
      wanted: (presented) => {
        const wanted = edge.verifier.wanted(presented);
        return {
          ...wanted,
          fromCache: (payload) => hear(presented.digest, wanted.fromCache(payload)),
          fromDatabase: (answer) => {
            const found = wanted.fromDatabase(answer);
            hear(presented.digest, found.value);
            return found;
          },
        };
      },
    },
  };
};

const acceptGateway = (edge: Edge, presented: Presented, verified: Verified | undefined): Result<Standing> => {
  const standing = acceptBearer(edge.issuer, presented, verified);
  if (isFault(standing)) return standing;
  const now = edge.platform.clock.now();
  const lacked = gatewayPermissions.find((permission) => !holds(edge.model, standing, permission, now));
  return lacked === undefined ? standing : lacking(lacked, "deciding for a gateway");
};

/** Why the token is none for this route, whatever its principal may do. */
const tokenRefusal = (
  { issuer, model }: Edge,
  gateway: Standing,
  { rule, token }: Read,
  standing: Standing,
  jkt: string | undefined,
): Fault | undefined => {
  const dead = jkt === undefined ? badToken : badBound;
  // As to introspection, another tenant's token is none.
  if (!mayLookInto(gateway.tenant, token.tenant)) return dead;
  const wanted = rule.audience.length > 0 ? rule.audience : [issuer];
  if (!(standing.audience ?? [issuer]).some((one) => wanted.includes(one))) return dead;
  if (standing.cnf?.jkt !== jkt)
    return fault(
      "invalid_bound_token",
      jkt === undefined
        ? "the token is bound to a key; send it as `Authorization: DPoP …` with a proof"
        : "the token is not bound to the key that was proven",
    );
  const reach = standing.tenant === hostTenant ? "host" : "tenant";
  const carried = expandedIn(model, standing.scopes, reach);
  const lacked = rule.scopes.find((scope) => {
    const permission = model.vocabulary.get(scope);
    return !standing.scopes.includes(scope) && (permission === undefined || !contains(carried, permission));
  });
  return lacked === undefined
    ? undefined
    : fault("insufficient_scope", `the token does not carry the scope \`${lacked}\``, { permission: lacked });
};

/** One answer for what there is not and for what is not theirs: the path is the client's guess. */
const missing = (permission: string): Fault =>
  fault("permission_denied", `this needs the permission \`${permission}\``, { permission });

/** Undefined for a permit, and for nothing else. */
const denial = ({ permission }: Read["rule"], answer: CheckAnswer): Fault | undefined => {
  if (answer.effect === "permit") return undefined;
  if (answer.because.rule === "token_not_active") return badToken;
  if (answer.because.rule === "out_of_scope")
    return fault("insufficient_scope", `the token does not carry the permission \`${permission}\``, { permission });
  for (const one of answer.obligations)
    if (one.kind === "step_up")
      return fault("insufficient_user_authentication", "this needs a fresher or stronger sign-in", {
        stepUp: { acr: one.acr },
      });
  if (answer.effect === "conditional")
    return fault("permission_denied", `\`${permission}\` needs more than this request can bring: ${needs(answer)}`, {
      permission,
    });
  return missing(permission);
};

const needs = ({ obligations }: CheckAnswer): string =>
  obligations.map(({ kind }) => (kind === "human" ? "a human who initiates it" : "the consent of others")).join(", ");
