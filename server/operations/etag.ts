/** Strong etags (RFC 9110 §8.8.3): a resource's revision, which every write raises. */
import { fault, type Result } from "../../core/faults.ts";

export const etagOf = (revision: number): string => `r${revision}`;

/**
 * The revision a write must find. With `required`, a write without `If-Match` is refused (RFC 6585 §3): used where two administrators
 * overwriting each other would matter, as on roles and credentials.
 */
export const expectRevision = (
  ifMatch: string | undefined,
  current: number,
  required: "required" | "optional",
): Result<{ readonly revision: number }> => {
  if (ifMatch === undefined)
    return required === "optional"
      ? { revision: current }
      : fault(
          "precondition_required",
          "send the resource's `etag` as `If-Match`, so that nobody's change is overwritten",
        );
  return ifMatch === "*" || ifMatch === etagOf(current)
    ? { revision: current }
    : fault("etag_mismatch", `the resource is at \`${etagOf(current)}\`, not at \`${ifMatch}\`; read it again`);
};

/** Somebody else's write came between reading and writing. */
export const overtaken = () => fault("etag_mismatch", "the resource has changed meanwhile; read it again");
