/** From a document that was found free of errors to the model the engine works with. */
import canonicalize from "canonicalize";
import type { HostRoleDocument, ModelDocument, Named, ResourceDocument, RoleDocument } from "./document.ts";
import type { Governance, Level, Model, Perimeter, Permission, Resource, Role } from "./model.ts";
import { expand, type Reach, type Vocabulary } from "./permissions.ts";
import { vocabularyOf } from "./vocabulary.ts";

/** Compiles a checked document. Two documents that say the same give equal models, bit for bit. */
export const compile = (document: ModelDocument): Model => {
  const words = vocabularyOf(document);
  const perimeters = mapped(document.perimeters, (given, type): Perimeter => ({ type, ...given }));
  return {
    title: document.title,
    description: document.description,
    perimeters,
    collections: new Map([...perimeters.values()].map((perimeter) => [perimeter.collection, perimeter])),
    resources: mapped(document.resources, (given, type) => resource(words, given, type)),
    ...words,
    roles: mapped(document.roles, (given, name) => role(words, given, name, "tenant")),
    hostRoles: mapped(document.host_roles, (given, name) => role(words, { ...given, within_grants: [] }, name, "host")),
    governance: new Map([...words.vocabulary.values()].flatMap(governanceEntry)),
    canonical: canonicalize(document) ?? "",
  };
};

const mapped = <Given, Made>(
  given: Named<Given>,
  make: (given: Given, name: string) => Made,
): ReadonlyMap<string, Made> => new Map(Object.entries(given).map(([name, one]) => [name, make(one, name)]));

const resource = (words: Vocabulary, given: ResourceDocument, type: string): Resource => ({
  type,
  in: given.in,
  actions: given.actions,
  levels: mapped(given.levels, (actions, name): Level => {
    const { set } = expand(
      words,
      actions.map((action) => `${type}:${action}`),
    );
    return { name, permissions: set, sufficient: given.sufficient.includes(name) };
  }),
});

const role = (words: Vocabulary, given: RoleDocument | HostRole, name: string, reach: Reach): Role => ({
  name,
  title: given.title,
  description: given.description,
  patterns: { permissions: given.permissions, withinGrants: given.within_grants },
  permissions: expand(words, given.permissions, reach).set,
  withinGrants: expand(words, given.within_grants, reach).set,
});

type HostRole = HostRoleDocument & { readonly within_grants: readonly [] };

const governanceEntry = ({ name, governance }: Permission): readonly (readonly [string, Governance])[] =>
  governance === undefined ? [] : [[name, governance]];
