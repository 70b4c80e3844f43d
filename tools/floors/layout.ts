// The floors of the building, as data. The rules that hold them are in rules.ts. From the bottom up: a file may import
// from its own floor's folder and from what stands below; a slice may import the slices ranked below it.

/** The slices of server/, lowest first. A new folder has to be ranked here before anything in it may be imported. */
export const slices: readonly string[] = [
  "messages",
  "housekeeping",
  "audit",
  "events",
  "tree",
  "authority",
  "tokens",
  "operations",
  "record",
  "perimeters",
  "principals",
  "policies",
  "mail",
  "credentials",
  "access",
  "decisions",
  "approvals",
  "clients",
  "federation",
  "sessions",
  "sign-in",
  "oauth",
  "pages",
  "startup",
  "processes",
];

/** Arrows that would otherwise be forbidden, each with the reason it is there. Both ends are path prefixes. */
export const allowedArrows: readonly { readonly from: string; readonly to: string; readonly why: string }[] = [
  { from: "server/startup/", to: "server/config.ts", why: "starting up is what the settings are for" },
  { from: "server/processes/", to: "server/config.ts", why: "how many processes there are is a setting" },
  { from: "server/processes/", to: "server/compose.ts", why: "a process is a composed server and its signals" },
  { from: "server/processes/", to: "server/transport/management/", why: "the first process answers for all of them" },
  { from: "cli/", to: "server/compose.ts", why: "bootstrap, migrate and doctor work on the database itself" },
  { from: "cli/", to: "server/startup/", why: "bootstrap, model, storage and key, without a server around them" },
  { from: "cli/", to: "server/platform/", why: "doctor and migrate look at the parts themselves" },
  { from: "cli/", to: "server/perimeters/operations.ts", why: "the verbs come from the declarations" },
  { from: "cli/", to: "server/operations/operation.ts", why: "the verbs come from the declarations" },
  { from: "cli/", to: "server/config.ts", why: "`config check` reads the same settings the server does" },
  { from: "cli/", to: "server/transport/grpc/generated/", why: "the messages of identity.v1, generated from api/" },
];

/** npm packages and node: modules the pure core may use. It also runs in a browser and in the SDK. */
export const corePackages: readonly string[] = ["yaml", "canonicalize", "@marcbachmann/cel-js", "ipaddr.js"];

/** What an adapter of the SDK stands on, and whoever uses the adapter has: its types alone, beside our own dependencies. */
export const sdkPeers: readonly string[] = ["express", "hono"];

/** Where the clock, randomness, the environment and the network may be reached without being handed in. */
export const ambientAuthority: readonly string[] = [
  "server/platform/",
  "server/config.ts",
  "cli/",
  "sdk/platform.ts",
  "sdk/testing/",
  "sdk/testing-model.ts",
];

/** Where SQL may be written, apart from the slices' stores, each with the reason. */
export const sqlPlaces: readonly { readonly path: string; readonly why: string }[] = [
  { path: "server/platform/database/", why: "roles, settings and migrations belong to no slice" },
  { path: "server/operations/listing/", why: "filter, order and page of every list are built in one place" },
];

/** A slice's SQL: `store.ts`, or `keys-store.ts` beside it where one file would grow too long. */
export const isStore = (path: string): boolean => /[/-]store\.ts$/.test(path);

export const fileLinesMax = 400;

/** Folders whose code is judged. */
export const sourceFolders: readonly string[] = ["core", "server", "sdk", "cli", "tests", "bench", "tools"];

/** Code that is never part of a running deployment: it may import anything, and nothing else may import it. */
export const isWorkshop = (path: string): boolean => /^(tests|bench|tools)\//.test(path) || path.endsWith(".test.ts");

/** Written by a program, so neither its length nor its style is anybody's choice. */
export const isGenerated = (path: string): boolean => path.includes("/generated/");
