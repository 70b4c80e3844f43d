/** PATCH with a field mask (AIP-134): the fields named are written; without a mask, the fields that are present. */
import Type from "typebox";
import { fault, type Result } from "../../core/faults.ts";

export const updateMask = Type.Optional(
  Type.String({
    maxLength: 500,
    pattern: "^[a-z_]+(,[a-z_]+)*$",
    description: "the fields to write, separated by commas; all that are present where it is absent",
  }),
);

/** The part of the input that is to be written. Naming a field and not sending it, or sending nothing to write, is a mistake. */
export const masked = <Field extends string, Input extends { readonly update_mask?: string }>(
  input: Input & { readonly [K in Field]?: unknown },
  fields: readonly Field[],
): Result<{ readonly [K in Field]?: Input[K & keyof Input] }> => {
  const named = input.update_mask?.split(",");
  const unknown = named?.find((name) => !fields.some((field) => field === name));
  if (unknown !== undefined)
    return fault("invalid_argument", `\`update_mask\` names \`${unknown}\`; it may name ${fields.join(", ")}`);
  const written = fields.filter((field) => (named === undefined ? input[field] !== undefined : named.includes(field)));
  const absent = written.find((field) => input[field] === undefined);
  if (absent !== undefined)
    return fault("invalid_argument", `\`update_mask\` names \`${absent}\`, which the request does not have`);
  if (written.length === 0)
    return fault("invalid_argument", `there is nothing to write; send one of ${fields.join(", ")}`);
  return Object.fromEntries(written.map((field) => [field, input[field]])) as { [K in Field]?: Input[K & keyof Input] };
};
