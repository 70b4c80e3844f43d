/**
 * Text that is none: with a NUL, which PostgreSQL's text has no place for, or with half of a surrogate pair (RFC 7493 §2.1), which its JSON
 * refuses. JSON can escape both, and what is put in their place makes alike what was not.
 */

/** What to say of it, after where it is. */
export const oddText = "has a NUL in it, or half of a surrogate pair, which is no character";

/** Where it is in a JSON value, names of members included: `a.b[0]`, or `$` for the whole. Undefined where all is text. */
export const oddTextAt = (value: unknown, path = ""): string | undefined => {
  if (typeof value === "string") return isText(value) ? undefined : path || "$";
  if (typeof value !== "object" || value === null) return undefined;
  for (const [name, member] of Object.entries(value)) {
    if (!isText(name)) return path || "$";
    const odd = oddTextAt(member, Array.isArray(value) ? `${path}[${name}]` : path === "" ? name : `${path}.${name}`);
    if (odd !== undefined) return odd;
  }
  return undefined;
};

const isText = (text: string): boolean => text.isWellFormed() && !text.includes("\0");
