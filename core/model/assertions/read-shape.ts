/** The shape of a file of assertions: from whatever the YAML said to a typed document, every departure reported. */
import type { Attributes } from "../../decide/types.ts";
import { fieldsOf, flagOf, isAbsent, membersOf, type Place, required, textOf, textsOf } from "../place.ts";
import type {
  Asking,
  Assertion,
  AssertionsDocument,
  Claim,
  Deed,
  Given,
  NodeDocument,
  OwnRoleDocument,
  PrincipalDocument,
} from "./document.ts";

/** When it is asked, where the test does not say. */
const usualTime = "2026-01-01T00:00:00Z";
/** Somebody who has nothing but what a test gives; for tests that need not say who. */
const somebody = "users/somebody";

/** Reads the shape. The document is only to be relied on where nothing was reported. */
export const readShape = (place: Place): AssertionsDocument => {
  const field = fieldsOf(place, ["model", "world", "principals", "roles", "given", "tests"]);
  textOf(field("model"));
  return {
    world: mapped(required(field("world"), same), node),
    principals: mapped(field("principals"), principal),
    roles: mapped(field("roles"), ownRole),
    given: listed(field("given")).map((one) => given(one, undefined)),
    tests: listed(required(field("tests"), same)).map(assertion),
  };
};

/** The model a file names, which must be known before anything else in it means something. */
export const modelNamedIn = (value: unknown): string | undefined =>
  typeof value === "object" && value !== null && "model" in value && typeof value.model === "string"
    ? value.model
    : undefined;

const same = (place: Place): Place => place;

const mapped = <Thing>(place: Place, read: (place: Place) => Thing): ReadonlyMap<string, Thing> =>
  new Map(membersOf(place).map(([name, inner]) => [name, read(inner)]));

const listed = ({ value, path, report }: Place): readonly Place[] => {
  if (value === undefined) return [];
  if (Array.isArray(value))
    return value.map((item: unknown, at) => ({ value: item ?? null, path: [...path, at], report }));
  report(path, "must be a list");
  return [];
};

const optional = (place: Place): string | undefined => (isAbsent(place) ? undefined : textOf(place));

const oneOf =
  <Word extends string>(...words: readonly [Word, ...Word[]]) =>
  (place: Place): Word => {
    const text = optional(place);
    const found = words.find((word) => word === text);
    if (text !== undefined && found === undefined)
      place.report(place.path, `\`${text}\` is none of ${words.map((word) => `\`${word}\``).join(", ")}`);
    return found ?? words[0];
  };

const attributes = ({ value, path, report }: Place): Attributes | undefined => {
  if (value === undefined) return undefined;
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Attributes;
  report(path, "must be a mapping");
  return undefined;
};

// The world

const node = (place: Place): NodeDocument => {
  const field = fieldsOf(place, ["in", "state", "owner", "attributes"]);
  return {
    path: place.path,
    in: optional(field("in")),
    state: oneOf("active", "suspended", "deleted")(field("state")),
    owner: optional(field("owner")),
    attributes: attributes(field("attributes")),
  };
};

const principal = (place: Place): PrincipalDocument => {
  const field = fieldsOf(place, ["state", "members"]);
  return {
    path: place.path,
    state: oneOf("active", "suspended", "disabled", "deleted")(field("state")),
    members: textsOf(field("members")),
  };
};

const ownRole = (place: Place): OwnRoleDocument => {
  const field = fieldsOf(place, ["permissions", "within_grants"]);
  return {
    path: place.path,
    permissions: textsOf(field("permissions")),
    withinGrants: textsOf(field("within_grants")),
  };
};

const given = (place: Place, whose: string | undefined): Given => {
  const field = fieldsOf(place, ["principal", "role", "at", "propagation", "grant", "on", "condition", "expired"]);
  const common = {
    path: place.path,
    principal: whose === undefined ? required(field("principal"), textOf) : textOf(field("principal"), whose),
    condition: optional(field("condition")),
    expired: flagOf(field("expired"), false),
  };
  const isGrant = !isAbsent(field("grant"));
  const other = isGrant ? (["role", "at", "propagation"] as const) : (["on"] as const);
  for (const name of other)
    if (!isAbsent(field(name)))
      place.report(field(name).path, isGrant ? "goes with `role`, and not with `grant`" : "goes with `grant`");
  if (isGrant) return { ...common, kind: "grant", level: textOf(field("grant")), on: required(field("on"), textOf) };
  return {
    ...common,
    kind: "role",
    role: required(field("role"), textOf),
    at: required(field("at"), textOf),
    propagation: oneOf("subtree", "self")(field("propagation")),
  };
};

// Tests

const claimFields = ["allow", "deny", "obliges", "because", "exactly", "list", "who"] as const;
const askingFields = ["scopes", "acr", "human_present", "context", "properties", "now"] as const;

const assertion = (place: Place): Assertion => {
  const field = fieldsOf(place, ["name", "principal", "given", ...askingFields, ...claimFields]);
  const principalRef = textOf(field("principal"), somebody);
  const claims: readonly Claim[] = [
    ...deeds(field("allow")).map((deed) => ({ ...deed, kind: "allow" as const })),
    ...deeds(field("deny")).map((deed) => ({ ...deed, kind: "deny" as const })),
    ...named(field("obliges")).map(([deed, inner]) => ({
      ...deed,
      kind: "obliges" as const,
      obligations: required(inner, textsOf),
    })),
    ...named(field("because")).map(([deed, inner]) => ({ ...deed, kind: "because" as const, rule: textOf(inner) })),
    ...membersOf(field("exactly")).map(([target, inner]) => ({
      kind: "exactly" as const,
      path: inner.path,
      target,
      permissions: textsOf(inner),
    })),
    ...membersOf(field("list")).map(([permission, inner]) => ({
      kind: "list" as const,
      path: inner.path,
      permission,
      nodes: textsOf(inner),
    })),
    ...named(field("who")).map(([deed, inner]) => ({ ...deed, kind: "who" as const, principals: textsOf(inner) })),
  ];
  if (claims.length === 0)
    place.report(place.path, `asserts nothing; say one of ${claimFields.map((name) => `\`${name}\``).join(", ")}`);
  return {
    path: place.path,
    name: required(field("name"), textOf),
    principal: principalRef,
    given: listed(field("given")).map((one) => given(one, principalRef)),
    asking: asking(field),
    claims,
  };
};

const asking = (field: (name: (typeof askingFields)[number]) => Place): Asking => {
  const property = fieldsOf(field("properties"), ["subject", "resource"]);
  return {
    at: time(field("now")),
    scopes: isAbsent(field("scopes")) ? undefined : textsOf(field("scopes")),
    acr: optional(field("acr")),
    humanPresent: flagOf(field("human_present"), true),
    context: attributes(field("context")),
    properties: { subject: attributes(property("subject")), resource: attributes(property("resource")) },
  };
};

const time = (place: Place): number => {
  const text = textOf(place, usualTime);
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) place.report(place.path, `\`${text}\` is no time; write it as \`${usualTime}\``);
  return at;
};

const deeds = (place: Place): readonly Deed[] =>
  textsOf(place).map((text, at) => deed(text, { ...place, path: [...place.path, at] }));

const named = (place: Place): readonly (readonly [Deed, Place])[] =>
  membersOf(place).map(([text, inner]) => [deed(text, inner), inner]);

/** `payouts:read, payouts:cancel on accounts/north-1`. */
const deed = (text: string, { path, report }: Pick<Place, "path" | "report">): Deed => {
  const [, permissions = "", target = ""] = /^(.+?) on (\S+)$/.exec(text.trim()) ?? [];
  if (target === "")
    report(path, `\`${text}\` must be permissions on a target, as in \`payouts:read on accounts/north-1\``);
  return {
    path,
    permissions: permissions.split(",").flatMap((one) => (one.trim() === "" ? [] : [one.trim()])),
    target,
  };
};
