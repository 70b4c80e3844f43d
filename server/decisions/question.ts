/** A question as it was asked, and read: whose facts it takes, at which nodes of which tenant. Nothing is looked up here. */
import type { Attributes } from "../../core/decide/types.ts";
import { type Fault, fault, isFault, type Result } from "../../core/faults.ts";
import {
  hostTenant,
  type NodeId,
  type PrincipalId,
  parseRef,
  principalKindOf,
  rootNode,
  type TenantId,
} from "../../core/ids.ts";
import type { Model } from "../../core/model/model.ts";
import type { Principal } from "../authority/caller.ts";
import { isToken, type Presented, recognise } from "../tokens/presented.ts";
import { type ConsistencyToken, readToken } from "./consistency.ts";

/** Who is asked about: a principal by ref, or whoever a token stands for, narrowed by its scopes. */
export type Subject = { readonly principal: string } | { readonly token: string };

/** What else a decision may depend on, in the words of whoever asks. */
export type AskedCircumstances = {
  /** `context` in a condition. The server's own clock is never taken from here. */
  readonly context?: Attributes;
  /** `subject.properties` and `resource.properties` in a condition. */
  readonly properties?: { readonly subject?: Attributes; readonly resource?: Attributes };
  /** The authentication context class the subject has reached (RFC 9470). Taken only from who holds `access:check` and asks about another. */
  readonly acr?: string;
  /** A consistency token: the answer is made of facts that know of at least what it names. */
  readonly atLeast?: string;
};

export type CheckQuestion = AskedCircumstances & {
  readonly subject: Subject;
  /** Ref of the tenant; for callers of the host who ask about a principal. */
  readonly tenant?: string;
  /** `resource:action`. */
  readonly permission: string;
  /** Ref of a registered node; absent means the tenant as a whole. */
  readonly resource?: string;
  /** Ref of the registered parent of a leaf that is not registered itself. Never gives authority a registered leaf would not. */
  readonly parent?: string;
};

/** Why there was nothing to decide on. */
export type Unknown =
  | { readonly rule: "unknown_resource"; readonly permission: string; readonly resource: string }
  /** What was named can be nobody here: no principal is called so. */
  | { readonly rule: "unknown_subject"; readonly permission: string; readonly subject: string }
  | { readonly rule: "token_not_active"; readonly permission: string };

/** Whom a question is about, read. */
export type PlannedSubject = {
  readonly token: Presented | undefined;
  /** Undefined for a token until it has been verified: its text does not say what kind of principal it stands for. */
  readonly kind: Principal["kind"] | undefined;
  readonly principal: PrincipalId;
};

/** Whose facts are wanted, and where from. `bound` is where the principal belongs, `tenant` where the target is. */
export type Plan = PlannedSubject & {
  readonly at: "asking";
  readonly question: CheckQuestion;
  readonly bound: TenantId;
  readonly tenant: TenantId;
  /** The resource, and the parent it may fall back to. */
  readonly nodes: readonly NodeId[];
  readonly atLeast: ConsistencyToken | undefined;
};

/** A question that needs no look-up: it is malformed, or about a token no one can have issued. */
export type Settled = { readonly at: "settled"; readonly answer: Fault | Unknown };
const settled = (answer: Fault | Unknown): Settled => ({ at: "settled", answer });

export const planOf = (model: Model, callerTenant: TenantId, question: CheckQuestion): Plan | Settled => {
  const named = question.tenant === undefined ? undefined : tenantRef(model, question.tenant);
  if (isFault(named)) return settled(named);
  const resource =
    question.resource === undefined || question.resource === "" ? undefined : parseRef(question.resource);
  if (question.resource && resource === undefined) return settled(malformed("resource", question.resource, aRef));
  const parent = question.parent === undefined || question.parent === "" ? undefined : parseRef(question.parent);
  if (question.parent && parent === undefined) return settled(malformed("parent", question.parent, aRef));
  const atLeast = question.atLeast === undefined ? undefined : readToken(question.atLeast);
  if (isFault(atLeast)) return settled(atLeast);
  const root =
    resource !== undefined && model.collections.get(resource.collection)?.root === true
      ? (resource.id as TenantId)
      : undefined;

  const subject = subjectOf(question.subject);
  if (subject === undefined) return settled({ rule: "token_not_active", permission: question.permission });
  if (isFault(subject)) return settled(subject);
  const where = placeOf(subject, callerTenant, named, root);
  const nodes = [
    resource === undefined ? rootNode(where.tenant) : (resource.id as NodeId),
    ...(parent === undefined ? [] : [parent.id as NodeId]),
  ];
  return { at: "asking", question, ...subject, ...where, nodes, atLeast };
};

/**
 * A token says where its principal belongs; a principal belongs to the caller's tenant, unless the host asks and says otherwise. `root`
 * is the tenant the resource itself is, where it is one.
 */
export const placeOf = (
  { token }: PlannedSubject,
  callerTenant: TenantId,
  named: TenantId | undefined,
  root: TenantId | undefined,
): { readonly bound: TenantId; readonly tenant: TenantId } => {
  const bound = token?.tenant ?? named ?? (callerTenant === hostTenant ? (root ?? callerTenant) : callerTenant);
  return { bound, tenant: bound === hostTenant ? (named ?? root ?? hostTenant) : bound };
};

const aRef = "a ref such as `accounts/{uuid}`";

/** Undefined for a token no one can have issued. */
export const subjectOf = (subject: Subject): Result<PlannedSubject> | undefined => {
  if ("token" in subject) {
    const token = recognise(subject.token);
    return token === undefined || !isToken(token) ? undefined : { token, kind: undefined, principal: token.principal };
  }
  const ref = parseRef(subject.principal);
  const kind = ref && principalKindOf(ref.collection);
  if (ref === undefined || kind === undefined)
    return malformed("principal", subject.principal, "`users/{uuid}` or `service-accounts/{uuid}`");
  return { token: undefined, kind, principal: ref.id as PrincipalId };
};

const malformed = (path: string, text: string, wanted: string): Fault => {
  const message = `\`${text.slice(0, 100)}\` is not ${wanted}`;
  return fault("invalid_argument", `\`${path}\`: ${message}`, { errors: [{ path, message }] });
};

export const tenantRef = (model: Model, text: string): Result<TenantId> => {
  const ref = parseRef(text);
  return ref !== undefined && model.collections.get(ref.collection)?.root === true
    ? (ref.id as TenantId)
    : malformed("tenant", text, "the ref of a tenant");
};

export const unknownResource = ({ permission, resource }: Pick<CheckQuestion, "permission" | "resource">): Unknown => ({
  rule: "unknown_resource",
  permission,
  resource: resource ?? "",
});
