/**
 * The access model file as written, once its shape is known to be right: names are checked, references are not.
 *
 * Defaults are filled in, so that two files that say the same become equal documents.
 */
import type { Acr } from "../acr.ts";
import type { GovernanceClass } from "./model.ts";

export type ModelDocument = {
  readonly title: string;
  readonly description: string;
  readonly perimeters: Named<PerimeterDocument>;
  readonly resources: Named<ResourceDocument>;
  readonly roles: Named<RoleDocument>;
  readonly host_roles: Named<HostRoleDocument>;
  readonly governance: Named<GovernanceDocument>;
};

export type Named<Thing> = Readonly<Record<string, Thing>>;

export type PerimeterDocument = { readonly collection: string; readonly in: readonly string[]; readonly root: boolean };

export type ResourceDocument = {
  readonly in: readonly string[];
  readonly actions: readonly string[];
  /** Level name → the actions a grant of it gives. */
  readonly levels: Named<readonly string[]>;
  /** The levels whose grant is enough alone. */
  readonly sufficient: readonly string[];
};

export type HostRoleDocument = {
  readonly title: string;
  readonly description: string;
  readonly permissions: readonly string[];
};

export type RoleDocument = HostRoleDocument & { readonly within_grants: readonly string[] };

export type GovernanceDocument = {
  readonly class: GovernanceClass;
  /** Absent, and not null, where none is asked: a model that says nothing of it stays the document it was. */
  readonly acr?: Acr;
  readonly approvals: ApprovalsDocument | null;
};

export type ApprovalsDocument = {
  readonly required: number;
  readonly initiator_may_approve: boolean;
  /** A whole number and `s`, `m`, `h` or `d`: `24h`. */
  readonly expires_in: string;
};

/** A record without a prototype: a file may well name something `constructor`, and must not find JavaScript's. */
export const byName = <Thing>(entries: readonly (readonly [string, Thing])[]): Named<Thing> => {
  const record = Object.create(null) as Record<string, Thing>;
  for (const [name, thing] of entries) record[name] = thing;
  return record;
};

/** Where something stands in the document, from the top: `["roles", "member", "permissions", 0]`. */
export type Path = readonly (string | number)[];

/** Notes one thing wrong and goes on, so that a file's every error is told at once. */
export type Report = (path: Path, reason: string) => void;

/** `roles.member.permissions[0]`. */
export const formatPath = (path: Path): string =>
  path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    return text === "" ? step : `${text}.${step}`;
  }, "");
