/**
 * Databases that others are copied from: what the first start of every deployment would make anew is made once for a whole run. Copying
 * shows nothing about migrating and bootstrapping; the tests of those start from an empty database.
 */
import type { Bootstrap } from "../../server/startup/bootstrap-file.ts";

export type Templates = {
  /** Has every migration. */
  readonly migrated: string;
  /** Has the host's node and its first service account besides. */
  readonly bootstrapped: string;
  /** What is good in every copy of that. */
  readonly bootstrap: Bootstrap;
};

/** The variable in which the test runner hands them to the tests, as JSON. */
export const templatesName = "COUNTERSIGN_TEST_TEMPLATES";

/** Undefined where no runner has made any: then every test starts from nothing. */
export const templates = (): Templates | undefined => {
  const text = process.env[templatesName];
  return text === undefined ? undefined : (JSON.parse(text) as Templates);
};

/** The credentials as they are for a deployment that is reached elsewhere. */
export const bootstrapAt = (made: Bootstrap, issuer: string): Bootstrap => ({
  ...made,
  issuer,
  setup_url: `${issuer}/setup#${made.setup_url.split("#")[1] ?? ""}`,
});
