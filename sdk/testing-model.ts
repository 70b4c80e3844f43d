/**
 * Decisions for tests by the real rules: a deployment's own access model, compiled and decided on by what the server itself uses. It needs the
 * packages `yaml`, `canonicalize`, `ipaddr.js` and `@marcbachmann/cel-js`.
 *
 *     const issuer = await startTestIssuer({
 *       decide: decidedByModel({
 *         model: await readFile("models/bitvault.yaml", "utf8"),
 *         parents: { [folder]: tenant, [file]: folder },
 *         assignments: [{ principal: ada, role: "member", at: tenant }],
 *         grants: [{ principal: ada, level: "editor", on: folder }],
 *       }),
 *     });
 */
import { decide } from "../core/decide/decide.ts";
import type { AssignmentFact, Facts, GrantFact, PathNode } from "../core/decide/types.ts";
import { formatRef, isUuid, type NodeId, type PrincipalId, parseRef, principalKindOf } from "../core/ids.ts";
import type { Model } from "../core/model/model.ts";
import { expand } from "../core/model/permissions.ts";
import { formatModelError, readModel } from "../core/model/read-model.ts";
import type { AskedQuestion, DecisionFunction } from "./testing/issuer.ts";

/** A world to decide in; everything in it is a ref. */
export type World = {
  /** The text of the access model. */
  readonly model: string;
  /** What each registered thing below a tenant is in. */
  readonly parents?: Readonly<Record<string, string>>;
  /** A role of the model, at a perimeter, or a host role at `host`. It holds below its place too, unless `self`. */
  readonly assignments?: readonly {
    readonly principal: string;
    readonly role: string;
    readonly at: string;
    readonly propagation?: "subtree" | "self";
  }[];
  readonly grants?: readonly { readonly principal: string; readonly level: string; readonly on: string }[];
};

const depth_max = 32;

/** Throws where the model has errors, or where the world names what is not in it. */
export const decidedByModel = (world: World): DecisionFunction => {
  const read = readModel(world.model, "model");
  if ("errors" in read) throw new Error(read.errors.map(formatModelError).join("\n"));
  const { model } = read;
  const assignments = (world.assignments ?? []).map((one, at) => ({ ...one, fact: assignmentFact(model, one, at) }));
  const grants = (world.grants ?? []).map((one, at) => ({ ...one, fact: grantFact(model, one, at) }));
  return (question) => {
    const path = pathOf(model, world, question);
    if (path === undefined)
      return { effect: "deny", because: { rule: "unknown_resource", resource: question.resource }, obligations: [] };
    const subject = parseRef(question.subject);
    const facts: Facts = {
      principal: {
        id: (subject?.id ?? "") as PrincipalId,
        kind: principalKindOf(subject?.collection ?? "") ?? "human",
        state: "active",
      },
      path,
      assignments: assignments.filter(({ principal }) => principal === question.subject).map(({ fact }) => fact),
      grants: grants.filter(({ principal }) => principal === question.subject).map(({ fact }) => fact),
    };
    const scopes = expand(model, question.scopes, "host").set;
    return decide(model, { permission: question.permission, scopes, at: Date.now(), context: question.context }, facts);
  };
};

/** From what is asked about up to the tenant; undefined for what is not there, or not in the tenant that is asked in. */
const pathOf = (model: Model, world: World, question: AskedQuestion): readonly PathNode[] | undefined => {
  const { parents = {} } = world;
  const registered = (ref: string): boolean => Object.hasOwn(parents, ref) || isRoot(model, ref);
  // A leaf that is not registered is decided on at its registered parent.
  let ref = registered(question.resource) ? question.resource : question.parent;
  const path: PathNode[] = [];
  while (ref !== undefined && registered(ref) && path.length < depth_max) {
    const { collection, id } = parseRef(ref) ?? { collection: "", id: "" };
    path.push({ node: id as NodeId, type: typeOf(model, collection), state: "active" });
    if (isRoot(model, ref)) return id === question.tenant ? path : undefined;
    ref = parents[ref];
  }
  return undefined;
};

const isRoot = (model: Model, ref: string): boolean =>
  model.collections.get(parseRef(ref)?.collection ?? "")?.root === true;

const typeOf = (model: Model, collection: string): string => model.collections.get(collection)?.type ?? collection;

const idOf = (ref: string): string => {
  const id = parseRef(ref)?.id;
  if (id === undefined || !isUuid(id)) throw new Error(`\`${ref}\` is no ref, such as \`files/{uuid}\``);
  return id;
};

const assignmentFact = (
  model: Model,
  { role: name, at, propagation = "subtree" }: NonNullable<World["assignments"]>[number],
  nth: number,
): AssignmentFact => {
  const role = (at === "host" ? model.hostRoles : model.roles).get(name);
  if (role === undefined) throw new Error(`the model has no role \`${name}\``);
  return {
    id: `assignment-${nth}`,
    role: name,
    anchor: at === "host" ? "host" : (idOf(at) as NodeId),
    propagation,
    permissions: role.permissions,
    withinGrants: role.withinGrants,
    expiresAt: null,
  };
};

const grantFact = (model: Model, { level: name, on }: NonNullable<World["grants"]>[number], nth: number): GrantFact => {
  const type = parseRef(on)?.collection ?? "";
  const level = model.resources.get(type)?.levels.get(name);
  if (level === undefined) throw new Error(`the model has no level \`${name}\` for ${formatRef(type, "…")}`);
  return {
    id: `grant-${nth}`,
    resource: idOf(on) as NodeId,
    level: name,
    permissions: level.permissions,
    sufficient: level.sufficient,
    expiresAt: null,
  };
};
