/** RFC 6749 §5.2, RFC 6750 §3: the characters a description may have, in a body and between the quotes of a header. */
export const quoted = (text: string): string => text.replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "'");
