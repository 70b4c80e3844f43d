/** A human as tokens name one, `users/{uuid}`. */
import { parseRef, principalCollections } from "../../../core/ids.ts";

/** The user's id; undefined for what names no human. */
export const idOfSubject = (subject: unknown): string | undefined => {
  const ref = typeof subject === "string" ? parseRef(subject) : undefined;
  return ref?.collection === principalCollections.human ? ref.id : undefined;
};
