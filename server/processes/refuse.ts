/** Ends a start that cannot succeed: what was wrong and what to do on standard error, and an exit code that says so. */
import { isUnavailable } from "../platform/database/unavailable.ts";
import { StartRefused } from "../startup/refusal.ts";

export const refuse = (why: unknown): never => {
  process.stderr.write(
    `countersign cannot start:\n${reasons(why)
      .map((reason) => `  - ${reason}\n`)
      .join("")}`,
  );
  process.exit(1);
};

const reasons = (why: unknown): readonly string[] => {
  if (Array.isArray(why)) return why.map(String);
  if (why instanceof StartRefused) return why.reasons;
  if (isUnavailable(why)) return [why.message];
  if (!(why instanceof Error)) return [String(why)];
  const code = "code" in why ? String(why.code) : "";
  if (code === "EADDRINUSE")
    return [`${why.message}; another program uses that port: stop it, or set another (docs/configuration.md)`];
  if (code === "EACCES") return [`${why.message}; this user may not listen there: use a port above 1023`];
  return [why.message];
};
