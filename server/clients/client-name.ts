/** The name a client gives itself (RFC 7591 §2 `client_name`), which people will see when it asks for their consent. */
import { fault, type Result } from "../../core/faults.ts";

const lengthMax = 200;
/** Control characters, and those that turn the direction of the text around them. */
const unseen = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** `otherwise` is what it is called where it does not say. */
export const clientNameOf = (given: unknown, otherwise: string): Result<string> => {
  if (given === undefined || given === null || given === "") return otherwise;
  return typeof given === "string" && given.length <= lengthMax && !unseen.test(given) && given.trim() !== ""
    ? given
    : fault("invalid_client_metadata", `\`client_name\` must be text of at most ${lengthMax} characters, on one line`);
};
