/**
 * The shape of the access model file: from whatever the YAML said to a typed document, every departure reported.
 *
 * Whether the names in it refer to something is the next step's question (`check-document.ts`).
 */
import { acrs, isAcr } from "../acr.ts";
import {
  type ApprovalsDocument,
  byName,
  type GovernanceDocument,
  type HostRoleDocument,
  type ModelDocument,
  type Named,
  type PerimeterDocument,
  type Report,
  type ResourceDocument,
  type RoleDocument,
} from "./document.ts";
import { duration_max_days, durationSeconds } from "./duration.ts";
import {
  entriesOf,
  fieldsOf,
  flagOf,
  isAbsent,
  nameFault,
  namesOf,
  type Place,
  required,
  someOf,
  textOf,
  textsOf,
} from "./place.ts";

/** More than this many distinct humans is not a safeguard but a standstill. */
const approvals_required_max = 100;

/** The host role a model gets that names none. */
const defaultHostRoles: Named<HostRoleDocument> = byName([
  ["super_admin", { title: "Super Admin", description: "", permissions: ["*"] }],
]);

/** Reads the shape. The document is only to be relied on where nothing was reported. */
export const readDocument = (value: unknown, report: Report): ModelDocument => {
  const field = fieldsOf({ value: value ?? null, path: [], report }, [
    "title",
    "description",
    "perimeters",
    "resources",
    "roles",
    "host_roles",
    "governance",
  ]);
  return {
    title: textOf(field("title")),
    description: textOf(field("description")).trim(),
    perimeters: named(field("perimeters"), perimeter),
    resources: named(field("resources"), resource),
    roles: named(field("roles"), role),
    host_roles: isAbsent(field("host_roles")) ? defaultHostRoles : named(field("host_roles"), hostRole),
    governance: governanceOf(field("governance")),
  };
};

const named = <Thing>(place: Place, read: (place: Place, name: string) => Thing): Named<Thing> =>
  byName(entriesOf(place).map(([name, inner]) => [name, read(inner, name)]));

const perimeter = (place: Place): PerimeterDocument => {
  const field = fieldsOf(place, ["collection", "in", "root"]);
  const collection = required(field("collection"), textOf);
  const wrong = collection === "" ? undefined : nameFault(collection);
  if (wrong !== undefined) place.report(field("collection").path, wrong);
  return { collection, in: someOf(textsOf)(field("in")), root: flagOf(field("root"), isAbsent(field("in"))) };
};

const resource = (place: Place): ResourceDocument => {
  const field = fieldsOf(place, ["in", "actions", "levels", "sufficient"]);
  return {
    in: required(field("in"), someOf(textsOf)),
    actions: required(field("actions"), someOf(namesOf)),
    levels: named(field("levels"), someOf(textsOf)),
    sufficient: textsOf(field("sufficient")),
  };
};

const role = (place: Place, name: string): RoleDocument => {
  const field = fieldsOf(place, ["title", "description", "permissions", "within_grants"]);
  return {
    title: textOf(field("title"), name),
    description: textOf(field("description")).trim(),
    permissions: textsOf(field("permissions")),
    within_grants: textsOf(field("within_grants")),
  };
};

const hostRole = (place: Place, name: string): HostRoleDocument => {
  const field = fieldsOf(place, ["title", "description", "permissions"]);
  return {
    title: textOf(field("title"), name),
    description: textOf(field("description")).trim(),
    permissions: required(field("permissions"), textsOf),
  };
};

/** Keys are permissions, not names, so whether they exist is all there is to check about them. */
const governanceOf = ({ value, path, report }: Place): Named<GovernanceDocument> => {
  if (value === undefined) return byName([]);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    report(path, "must be a mapping");
    return byName([]);
  }
  return byName(
    Object.entries(value).map(([permission, inner]) => [
      permission,
      governance({ value: inner, path: [...path, permission], report }),
    ]),
  );
};

const governance = (place: Place): GovernanceDocument => {
  const field = fieldsOf(place, ["class", "acr", "approvals"]);
  const given = required(field("class"), textOf);
  if (given !== "" && given !== "machine" && given !== "human") {
    place.report(field("class").path, `\`${given}\` is not a class; it is \`machine\` or \`human\``);
  }
  return {
    class: given === "machine" ? "machine" : "human",
    ...(isAbsent(field("acr")) ? {} : acr(field("acr"))),
    approvals: isAbsent(field("approvals")) ? null : approvals(field("approvals")),
  };
};

const acr = (place: Place): Pick<GovernanceDocument, "acr"> => {
  const text = textOf(place);
  if (isAcr(text)) return { acr: text };
  if (text !== "")
    place.report(place.path, `\`${text}\` is no class of sign-in; it is ${acrs.map((one) => `\`${one}\``).join(", ")}`);
  return {};
};

const approvals = (place: Place): ApprovalsDocument => {
  const field = fieldsOf(place, ["required", "initiator_may_approve", "expires_in"]);
  return {
    required: required(field("required"), approversRequired),
    initiator_may_approve: flagOf(field("initiator_may_approve"), false),
    expires_in: required(field("expires_in"), duration),
  };
};

const approversRequired = ({ value, path, report }: Place): number => {
  if (value === undefined) return 1;
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= approvals_required_max)
    return value;
  report(path, `must be a whole number from 1 to ${approvals_required_max}`);
  return 1;
};

const duration = (place: Place): string => {
  const text = textOf(place);
  if (text !== "" && durationSeconds(text) === undefined) {
    place.report(
      place.path,
      `\`${text}\` is not a duration; write a whole number and \`s\`, \`m\`, \`h\` or \`d\`, at most \`${duration_max_days}d\``,
    );
  }
  return text;
};
