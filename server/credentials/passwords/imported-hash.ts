/**
 * Hashes as other systems write them, turned into the few forms that are stored. What is verified is the same; only the writing changes.
 *
 *     $argon2id$v=19$…    $2b$12$…    $scrypt$ln=16,r=8,p=1$…    $pbkdf2-sha256$i=600000$…     PHC, MCF, passlib, PHP
 *     argon2$argon2id$…   bcrypt$$2b$…   scrypt$N$salt$r$p$hash   pbkdf2_sha256$iterations$salt$hash      Django
 *     scrypt:N:r:p$salt$hex   pbkdf2:sha256:iterations$salt$hex                                           Werkzeug
 *     {bcrypt}$2a$…   {argon2}$argon2id$…                                                                 Spring Security
 */
import { isFault, type Result } from "../../../core/faults.ts";
import { readStoredHash, stored_hash_length_max } from "./stored-hash.ts";

/** The hash as it is to be stored; a fault says what is wrong with it. */
export const importedHash = (text: string): Result<{ readonly stored: string }> => {
  const stored = text.length > stored_hash_length_max ? text : rewritten(text);
  const read = readStoredHash(stored);
  return isFault(read) ? read : { stored };
};

const rewritten = (text: string): string => {
  for (const [form, write] of forms) {
    const parts = form.exec(text);
    if (parts !== null) return write(...(parts.slice(1) as [string, string, string, string, string]));
  }
  return text;
};

const base64 = (octets: Buffer): string => octets.toString("base64").replace(/=+$/, "");
const text64 = (text: string): string => base64(Buffer.from(text));
const hex64 = (text: string): string => base64(Buffer.from(text, "hex"));

const forms: readonly (readonly [RegExp, (a: string, b: string, c: string, d: string, e: string) => string])[] = [
  [/^(?:argon2|bcrypt\$)(\$.+)$/, (hash) => hash],
  [/^\{(?:argon2|argon2@SpringSecurity_v5_8|bcrypt)\}(\$.+)$/, (hash) => hash],
  [
    /^pbkdf2_(sha1|sha256|sha512)\$(\d+)\$([^$]+)\$([A-Za-z0-9+/]+=*)$/,
    (digest, iterations, salt, hash) => `$pbkdf2-${digest}$i=${iterations}$${text64(salt)}$${hash.replace(/=+$/, "")}`,
  ],
  [
    /^scrypt\$(\d{1,9})\$([^$]+)\$(\d+)\$(\d+)\$([A-Za-z0-9+/]+=*)$/,
    (n, salt, r, p, hash) => scrypt(n, r, p, text64(salt), hash.replace(/=+$/, "")),
  ],
  [
    /^scrypt:(\d{1,9}):(\d+):(\d+)\$([^$]+)\$((?:[0-9a-f]{2})+)$/,
    (n, r, p, salt, hash) => scrypt(n, r, p, text64(salt), hex64(hash)),
  ],
  [
    /^pbkdf2:(sha1|sha256|sha512):(\d+)\$([^$]+)\$((?:[0-9a-f]{2})+)$/,
    (digest, iterations, salt, hash) => `$pbkdf2-${digest}$i=${iterations}$${text64(salt)}$${hex64(hash)}`,
  ],
];

/** PHC writes the cost as its logarithm. One that is no power of two is none scrypt allows (RFC 7914 §2), and matches no form. */
const scrypt = (n: string, r: string, p: string, salt: string, hash: string): string =>
  `$scrypt$ln=${Math.log2(Number(n))},r=${r},p=${p}$${salt}$${hash}`;
