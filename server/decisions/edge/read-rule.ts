/** The part of a route that says what is needed: from the file, or from what an authenticated gateway says beside its credential. */
import { parseRef } from "../../../core/ids.ts";
import type { Report } from "../../../core/model/document.ts";
import type { Model } from "../../../core/model/model.ts";
import { isAbsent, type Place, textOf, textsOf } from "../../../core/model/place.ts";
import { type Bound, parametersOf, type PathTemplate } from "./path-template.ts";
import type { Rule } from "./route.ts";

export const ruleFields = ["permission", "resource", "parent", "scopes", "audience", "public"] as const;
type RuleField = (typeof ruleFields)[number];

type Around = {
  readonly model: Model;
  /** Undefined where there are no parameters to take a resource's id from. */
  readonly path: PathTemplate | undefined;
  /** Where the rule names none. */
  readonly audience: readonly string[];
};

/** RFC 6749 §3.3. */
const scopeForm = /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/;

/** Undefined where it is no rule; everything that is wrong with it is reported. */
export const readRule = (
  field: (name: RuleField) => Place,
  place: Pick<Place, "path" | "report">,
  around: Around,
): Rule | undefined => {
  const guarded = ruleFields.filter((name) => name !== "public" && !isAbsent(field(name)));
  if (!isAbsent(field("public"))) {
    const why = textOf(field("public"));
    if (why === "") place.report(field("public").path, "must say why nobody has to show a token");
    for (const name of guarded) place.report(field(name).path, "means nothing on a public route");
    return why === "" || guarded.length > 0 ? undefined : { at: "public", why };
  }
  const faults = { found: 0 };
  const report: Report = (path, reason) => {
    faults.found += 1;
    place.report(path, reason);
  };
  const watched = (name: RuleField): Place => ({ ...field(name), report });

  const permission = textOf(watched("permission"));
  if (isAbsent(field("permission"))) report(place.path, "has neither a `permission` nor `public`");
  else if (!around.model.vocabulary.has(permission))
    report(field("permission").path, `there is no permission \`${permission}\``);
  const resource = refOf(watched("resource"), around);
  const parent = refOf(watched("parent"), around);
  const scopes = textsOf(watched("scopes"));
  scopes.forEach((scope, at) => checkScope(around.model, scope, [...field("scopes").path, at], report));
  const named = textsOf(watched("audience"));
  if (faults.found > 0) return undefined;
  return {
    at: "guarded",
    permission,
    ...(resource === undefined ? {} : { resource }),
    ...(parent === undefined ? {} : { parent }),
    scopes,
    audience: named.length > 0 ? named : around.audience,
  };
};

const checkScope = (model: Model, scope: string, path: Place["path"], report: Report): void => {
  if (!scopeForm.test(scope)) report(path, `\`${scope}\` is not a scope`);
  else if (scope.includes(":") && !model.vocabulary.has(scope)) report(path, `there is no permission \`${scope}\``);
};

const templateForm = /^([a-z][a-z0-9_-]*)\/\{([a-z][a-z0-9_]*)\}$/;

/** `accounts/{id}` with a parameter of the path, or a whole ref. */
const refOf = (place: Place, { model, path }: Around): string | undefined => {
  if (isAbsent(place)) return undefined;
  const text = textOf(place);
  const [, collection = parseRef(text)?.collection, name] = templateForm.exec(text) ?? [];
  if (collection === undefined) {
    place.report(place.path, `\`${text}\` is neither \`collection/{name}\` nor a ref such as \`accounts/{uuid}\``);
    return undefined;
  }
  if (!model.collections.has(collection) && !model.resources.has(collection))
    place.report(place.path, `the model has no collection \`${collection}\``);
  if (name !== undefined && !(path !== undefined && parametersOf(path).has(name)))
    place.report(place.path, `\`{${name}}\` is no parameter of the path`);
  return text;
};

/** The ref, with what the path's parameters stand for; undefined where that is no id. */
export const boundRef = (template: string, bound: Bound): string | undefined => {
  const [, collection, name] = templateForm.exec(template) ?? [];
  const ref = name === undefined ? template : `${collection}/${bound.get(name) ?? ""}`;
  return parseRef(ref) === undefined ? undefined : ref;
};

const separated = (text: string | undefined): readonly string[] | undefined =>
  text === undefined ? undefined : text.split(" ").filter((one) => one !== "");

/**
 * A rule as a gateway says it with its request: the same fields, lists separated by spaces. Undefined for what is no rule: the request is
 * then refused, and not decided by something else.
 */
export const ruleBeside = (
  given: Readonly<Record<string, string>>,
  model: Model,
  path: PathTemplate | undefined,
): Rule | undefined => {
  const values: Readonly<Record<RuleField, unknown>> = {
    permission: given["permission"],
    resource: given["resource"],
    parent: given["parent"],
    public: given["public"],
    scopes: separated(given["scopes"]),
    audience: separated(given["audience"]),
  };
  const faults = { found: 0 };
  const report: Report = () => void (faults.found += 1);
  const field = (name: RuleField): Place => ({ value: values[name], path: [name], report });
  const rule = readRule(field, { path: [], report }, { model, path, audience: [] });
  return faults.found > 0 ? undefined : rule;
};
