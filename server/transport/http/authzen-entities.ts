/**
 * AuthZEN 1.0's words (§5) and ours: subjects, actions, resources and contexts as they are sent, read as questions.
 *
 * Unknown fields are left alone, wherever they stand: the specification is extended by adding them, and a request with one more than this
 * server knows must mean what it meant without it. Everything else of this API refuses them.
 */
import Type from "typebox";
import type { Attributes } from "../../../core/decide/types.ts";
import { fault, isFault, type Result } from "../../../core/faults.ts";
import { parseRef, principalCollections, principalKindOf } from "../../../core/ids.ts";
import type { Model } from "../../../core/model/model.ts";
import type { AskedCircumstances, CheckQuestion, Subject, Unknown } from "../../decisions/question.ts";
import { type Validator, validatorOf } from "../../operations/validate.ts";

const tolerant = <P extends Type.TProperties>(properties: P) => Type.Object(properties);
const properties = Type.Optional(Type.Record(Type.String({ maxLength: 100 }), Type.Unknown()));
const type = Type.String({ minLength: 1, maxLength: 64 });
const id = Type.String({ minLength: 1, maxLength: 4096 });
const name = Type.String({ minLength: 1, maxLength: 130 });

export const entity = tolerant({ type, id, properties });
/** What is searched for: its `id`, where one is sent, is ignored (§8.4.1, §8.5.1). */
export const soughtEntity = tolerant({ type, id: Type.Optional(Type.Unknown()), properties });
export const action = tolerant({ name, properties });
export const context = properties;
export const page = Type.Optional(
  tolerant({
    token: Type.Optional(Type.String({ maxLength: 8500 })),
    limit: Type.Optional(Type.Integer({ minimum: 0 })),
    properties,
  }),
);

export type Entity = Type.Static<typeof entity>;
export type Action = Type.Static<typeof action>;
type Properties = Readonly<Record<string, unknown>> | undefined;

/** §6.1: subject, action, resource, and an optional context. */
export const evaluationRequest = tolerant({ subject: entity, action, resource: entity, context });
export type EvaluationRequest = Type.Static<typeof evaluationRequest>;

/** A validator that leaves unknown fields alone, except the one name that is no data: an own `__proto__` is an attack wherever it stands. */
export const tolerantly = (schema: Type.TSchema): Validator => {
  const validate = validatorOf(schema);
  return (value) => (hasPrototype(value) ? notData : validate(value));
};

const notData = fault("invalid_argument", "`__proto__` is not a field of any request");

/** The body's depth is bounded before it is parsed. */
const hasPrototype = (value: unknown): boolean =>
  typeof value === "object" &&
  value !== null &&
  (Object.hasOwn(value, "__proto__") || Object.values(value).some(hasPrototype));

/**
 * A subject is `{ type: "users" | "service-accounts", id: uuid }`, or `{ type: "access_token", id: the token }`. A resource is a node
 * of the tree, `{ type: its collection, id: uuid }`; an unregistered leaf names its registered parent in `properties.parent`.
 * The action's name is `resource:action`, or the action alone, which is then taken of the resource's own type.
 *
 * What can name nobody or nothing here is no malformed request: it is somebody who may do nothing.
 */
export const questionOf = (
  model: Model,
  { subject, action: asked, resource, context: around }: EvaluationRequest,
): Result<CheckQuestion | Unknown> => {
  const permission = permissionOf(model, asked.name, resource.type);
  const who = subjectOf(subject);
  if (who === undefined) return { rule: "unknown_subject", permission, subject: nameOf(subject) };
  const target = refOf(resource.type, resource.id);
  if (parseRef(target) === undefined) return { rule: "unknown_resource", permission, resource: nameOf(resource) };
  const parent = resource.properties?.parent;
  const circumstances = circumstancesOf({ subject, action: asked, resource, context: around });
  if (isFault(circumstances)) return circumstances;
  return {
    subject: who,
    permission,
    resource: target,
    ...(typeof parent === "string" ? { parent } : {}),
    ...tenantOf(subject),
    ...circumstances,
  };
};

/** Undefined where the text can be nobody's. */
export const subjectOf = (subject: Entity): Subject | undefined => {
  if (subject.type === "access_token") return { token: subject.id };
  const principal = refOf(subject.type, subject.id);
  const ref = parseRef(principal);
  return ref === undefined || principalKindOf(ref.collection) === undefined ? undefined : { principal };
};

const nameOf = ({ type: of, id: text }: Entity): string => `${of}/${text}`.slice(0, 200);

/** For callers of the host, which have no tenant of their own to speak of. */
export const tenantOf = (subject: { readonly properties?: Properties }): { readonly tenant?: string } => {
  const tenant = subject.properties?.["tenant"];
  return typeof tenant === "string" ? { tenant } : {};
};

/** A name the model does not have is asked about all the same: the decision says that there is no such permission. */
export const permissionOf = (model: Model, asked: string, resourceType: string): string =>
  model.vocabulary.has(asked) ? asked : `${resourceType}:${asked}`;

/** AuthZEN's types are often singular and its ids bare; a whole ref in `id` is taken as it is. */
const refOf = (of: string, text: string): string =>
  parseRef(text) === undefined ? `${collectionOf(of)}/${text}` : text;

export const collectionOf = (of: string): string =>
  of === "user" ? principalCollections.human : of === "service-account" ? principalCollections.service : of;

/** What is ours among the properties, and no attribute for a condition. */
const ours = { subject: ["tenant", "acr"], resource: ["parent"], context: ["at_least", "consistency_token"] } as const;

type Around = {
  readonly subject?: { readonly properties?: Properties };
  readonly action?: { readonly properties?: Properties };
  readonly resource?: { readonly properties?: Properties };
  readonly context?: Properties;
};

/** `action.properties` are `context.action` in a condition, unless the context has an `action` of its own. */
export const circumstancesOf = (around: Around): Result<AskedCircumstances> => {
  const acr = around.subject?.properties?.["acr"];
  const atLeast = around.context?.["at_least"] ?? around.context?.["consistency_token"];
  if (atLeast !== undefined && typeof atLeast !== "string")
    return fault("invalid_argument", "`context.at_least` must be a consistency token");
  const subject = without(around.subject?.properties, ours.subject);
  const resource = without(around.resource?.properties, ours.resource);
  const about = without(around.context, ours.context);
  const acting = around.action?.properties;
  const all = acting === undefined ? about : { action: acting, ...about };
  return {
    ...(typeof acr === "string" ? { acr } : {}),
    ...(atLeast === undefined ? {} : { atLeast }),
    ...(all === undefined ? {} : { context: all }),
    ...(subject === undefined && resource === undefined
      ? {}
      : {
          properties: {
            ...(subject === undefined ? {} : { subject }),
            ...(resource === undefined ? {} : { resource }),
          },
        }),
  };
};

const without = (given: Properties, names: readonly string[]): Attributes | undefined => {
  const kept = Object.entries(given ?? {}).filter(([key]) => !names.includes(key));
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
};
