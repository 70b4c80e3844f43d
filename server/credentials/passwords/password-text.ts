/**
 * What a person typed, as it is hashed: the OpaqueString profile of RFC 8265 §4.2, so that the same password typed on another keyboard is
 * the same password. Spaces of every kind become the one of ASCII (§4.2.2 rule 2), the text is in normalization form C (rule 4), case and
 * width stay. NFC and not NFKC: what looks different stays different, and no character of a password is lost.
 */

/** Longer ones are refused, never cut: hashing is work, and nobody remembers more. In code points (NIST SP 800-63B-4 §3.1.1.2). */
export const password_length_max = 200;
/** No tenant's policy goes below this (NIST SP 800-63B-4 §3.1.1.2). */
export const password_length_floor = 8;

export const preparedPassword = (text: string): string => text.replaceAll(/\p{Zs}/gu, " ").normalize("NFC");

/** The code points of the text, as people count characters. */
export const lengthOf = (text: string): number => Array.from(text).length;

/** Whether the text may be hashed at all. A string of UTF-16 that is this short needs no counting. */
export const isTooLong = (text: string): boolean =>
  text.length > password_length_max && (text.length > 2 * password_length_max || lengthOf(text) > password_length_max);

/** Control characters, lone surrogates and what Unicode has not assigned are in no password (RFC 8265 §4.2.3, RFC 8264 §9.11 ff.). */
export const hasForbiddenCharacter = (text: string): boolean => /[\p{Cc}\p{Cs}\p{Cn}]/u.test(text);
