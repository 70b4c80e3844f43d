/** What of a model its assertions decide in full: so that a role, a level or a rule nobody has thought about shows. */
import { hostPlace, type Model } from "../model.ts";
import { without } from "../change.ts";
import type { Assertion, AssertionsDocument, Given } from "./document.ts";
import { typeOf } from "./places.ts";

export type Coverage = {
  /** Roles, host roles by `host/`, of which no test says exactly what somebody with them alone may do. */
  readonly roles: readonly string[];
  /** `type/level`, likewise. */
  readonly levels: readonly string[];
  /** Governed permissions of which no test says what they oblige to. */
  readonly governed: readonly string[];
};

/** What is missing. Everything is there where all three are empty. */
export const uncovered = (model: Model, document: AssertionsDocument): Coverage => {
  const exact = document.tests.filter(({ claims }) => claims.some(({ kind }) => kind === "exactly"));
  const roles = exact.flatMap((test) => onlyRole(givenTo(document, test)));
  const levels = exact.flatMap((test) => levelsOf(model, givenTo(document, test)));
  const obliged = document.tests.flatMap(({ claims }) =>
    claims.flatMap((claim) => (claim.kind === "obliges" ? claim.permissions : [])),
  );
  return {
    roles: without(
      [...model.roles.keys(), ...[...model.hostRoles.keys()].map((name) => `${hostPlace}/${name}`)],
      roles,
    ),
    levels: without(
      [...model.resources.values()].flatMap(({ type, levels: all }) =>
        [...all.keys()].map((name) => `${type}/${name}`),
      ),
      levels,
    ),
    governed: without([...model.governance.keys()], obliged),
  };
};

const givenTo = (document: AssertionsDocument, test: Assertion): readonly Given[] =>
  [...document.given, ...test.given].filter(({ principal }) => principal === test.principal);

/** The one role somebody has. With two, `exactly` says nothing about either. */
const onlyRole = (given: readonly Given[]): readonly string[] => {
  const roles = given.flatMap((one) =>
    one.kind === "role" ? [one.at === hostPlace ? `${hostPlace}/${one.role}` : one.role] : [],
  );
  return roles.length === 1 ? roles : [];
};

const levelsOf = (model: Model, given: readonly Given[]): readonly string[] =>
  given.flatMap((one) => (one.kind === "grant" ? [`${typeOf(model, one.on)}/${one.level}`] : []));
