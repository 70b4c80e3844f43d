/** Input and output fields that operations share, with their bounds (design §7: REST). */
import Type from "typebox";

export const uuidPattern = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$";
const refPattern = "^[a-z][a-z0-9_-]{0,62}/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$";

export const id = Type.String({ pattern: uuidPattern, description: "the resource's UUID" });
export const ref = (description: string) => Type.String({ pattern: refPattern, maxLength: 100, description });
/** Printable, on one line: control characters have no place in a name. */
export const displayName = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: "^[^\\u0000-\\u001f\\u007f]+$",
  description: "for people to read",
});
export const time = Type.String({ format: "date-time", description: "RFC 3339" });
export const etag = Type.String({ description: "send it back as If-Match" });
export const email = Type.String({
  minLength: 3,
  maxLength: 254,
  pattern: "^[^\\s@\\u0000-\\u001f]+@[^\\s@\\u0000-\\u001f]+$",
  description: "an e-mail address",
});
/** Permission patterns: `flows:read`, `flows:*`, `*`. */
export const permissionPatterns = (description: string, minItems = 0) =>
  Type.Array(
    Type.String({ minLength: 1, maxLength: 130, pattern: "^(\\*|[a-z][a-z0-9_-]*:(\\*|[a-z][a-z0-9_-]*))$" }),
    {
      minItems,
      maxItems: 500,
      uniqueItems: true,
      description,
    },
  );

/** An object that has these fields and no others. */
export const strict = <P extends Type.TProperties>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });
