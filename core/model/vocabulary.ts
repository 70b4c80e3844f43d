/**
 * Every permission of a model, given its bit: the system's, one set for each perimeter type's collection, and the model's own.
 */
import type { ModelDocument } from "./document.ts";
import { durationSeconds } from "./duration.ts";
import { type Governance, hostPlace, type Permission } from "./model.ts";
import { bitsPerWord, type Vocabulary } from "./permissions.ts";
import { perimeterActions, systemResources } from "./system-permissions.ts";

/** Sorted by name in code-unit order, so that one document always gives one numbering. */
export const vocabularyOf = (document: ModelDocument): Vocabulary => {
  const permissions = [
    ...new Set([...systemNames, ...perimeterNames(document), ...resourceNames(document)]),
  ].toSorted();
  return {
    permissions,
    vocabulary: new Map(permissions.map((name, index) => [name, permission(document, name, index)])),
  };
};

const named = (resource: string, actions: readonly string[]): readonly string[] =>
  actions.map((action) => `${resource}:${action}`);

const systemNames = Object.entries(systemResources).flatMap(([resource, actions]) => named(resource, actions));

const perimeterNames = ({ perimeters }: ModelDocument): readonly string[] =>
  Object.values(perimeters).flatMap(({ collection }) => named(collection, perimeterActions));

const resourceNames = ({ resources }: ModelDocument): readonly string[] =>
  Object.entries(resources).flatMap(([resource, { actions }]) => named(resource, actions));

const permission = (document: ModelDocument, name: string, index: number): Permission => {
  const colon = name.indexOf(":");
  const resource = name.slice(0, colon);
  return {
    name,
    resource,
    action: name.slice(colon + 1),
    index,
    word: Math.floor(index / bitsPerWord),
    mask: 1 << (index % bitsPerWord),
    host: document.resources[resource]?.in.includes(hostPlace) ?? false,
    governance: governanceOf(document, name),
  };
};

const governanceOf = ({ governance }: ModelDocument, name: string): Governance | undefined => {
  const given = governance[name];
  if (given === undefined) return undefined;
  const { acr, approvals } = given;
  return {
    class: given.class,
    ...(acr === undefined ? {} : { acr }),
    approvals:
      approvals === null
        ? undefined
        : {
            required: approvals.required,
            initiatorMayApprove: approvals.initiator_may_approve,
            expiresInSeconds: durationSeconds(approvals.expires_in) ?? 0,
          },
  };
};
