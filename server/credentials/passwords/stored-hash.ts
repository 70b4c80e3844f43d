/**
 * The forms a stored password hash may have: our own argon2id, and those that other systems used. Each has a bound on what verifying it
 * costs, held when it is imported and again when it is verified: whoever imports a hash must not be able to stop the server with it.
 */
import { fault, type Result } from "../../../core/faults.ts";

type Derived = { readonly salt: Buffer; readonly hash: Buffer };

export type StoredHash =
  | { readonly kind: "argon2"; readonly text: string; readonly ours: boolean }
  | { readonly kind: "bcrypt"; readonly text: string }
  | ({ readonly kind: "scrypt"; readonly cost: number; readonly r: number; readonly p: number } & Derived)
  | ({ readonly kind: "pbkdf2"; readonly digest: "sha1" | "sha256" | "sha512"; readonly iterations: number } & Derived);

/** OWASP's first choice for argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane. */
export const argon2Parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
const argon2_hash_octets = 32;

export const stored_hash_length_max = 512;
const memory_kib_max = 128 * 1024;
/** Memory written over all passes: about a second of work. */
const argon2_work_kib_max = 1024 * 1024;
const argon2_lanes_max = 16;
const bcrypt_cost_max = 14;
const scrypt_work_kib_max = 512 * 1024;
const pbkdf2_iterations_max = 2_000_000;
const salt_octets_max = 48;
const hash_octets_min = 16;
const hash_octets_max = 64;

const malformed = (why: string) => fault("not_admissible", `the password hash ${why}`);
const unknownForm = malformed("has none of the forms that can be imported: argon2, bcrypt, scrypt or PBKDF2");

/** Reads a hash in the form it is stored in. */
export const readStoredHash = (text: string): Result<StoredHash> => {
  if (text.length > stored_hash_length_max) return malformed(`is longer than ${stored_hash_length_max} characters`);
  if (text.startsWith("$argon2")) return readArgon2(text);
  if (/^\$2[abxy]?\$/.test(text)) return readBcrypt(text);
  if (text.startsWith("$scrypt$")) return readScrypt(text);
  return text.startsWith("$pbkdf2") ? readPbkdf2(text) : unknownForm;
};

const argon2Form =
  /^\$argon2(id|i|d)(?:\$v=(16|19))?\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

const readArgon2 = (text: string): Result<StoredHash> => {
  const parts = argon2Form.exec(text);
  if (parts === null) return malformed("is not an argon2 hash in PHC form");
  const [, variant, version, ...rest] = parts;
  const [memory, passes, lanes] = rest.slice(0, 3).map(Number) as [number, number, number];
  const derived = derivedOf(rest[3], rest[4]);
  if ("fault" in derived) return derived;
  if (memory < 8 * lanes || passes < 1 || lanes < 1) return malformed("has parameters that argon2 does not allow");
  if (memory > memory_kib_max || lanes > argon2_lanes_max || memory * passes > argon2_work_kib_max) return tooCostly;
  const { memoryCost, timeCost, parallelism } = argon2Parameters;
  const asked = memory === memoryCost && passes === timeCost && lanes === parallelism;
  const ours = asked && variant === "id" && version === "19" && derived.hash.length === argon2_hash_octets;
  return { kind: "argon2", text, ours };
};

/** `$2x$` is left out: it marks hashes made with a fault, which cannot be told from others'. */
const readBcrypt = (text: string): Result<StoredHash> => {
  const cost = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(text)?.[1];
  if (cost === undefined || Number(cost) < 4) return malformed("is not a bcrypt hash");
  return Number(cost) > bcrypt_cost_max ? tooCostly : { kind: "bcrypt", text };
};

const readScrypt = (text: string): Result<StoredHash> => {
  const parts = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/.]+=*)\$([A-Za-z0-9+/.]+=*)$/.exec(text);
  if (parts === null) return malformed("is not a scrypt hash in PHC form");
  const [ln, r, p] = parts.slice(1, 4).map(Number) as [number, number, number];
  const derived = derivedOf(parts[4], parts[5]);
  if ("fault" in derived) return derived;
  if (ln < 1 || r < 1 || p < 1) return malformed("has parameters that scrypt does not allow");
  const memoryKib = (2 ** ln * r) / 8;
  if (memoryKib > memory_kib_max || memoryKib * p > scrypt_work_kib_max || p * r >= 2 ** 10) return tooCostly;
  return { kind: "scrypt", cost: 2 ** ln, r, p, ...derived };
};

const readPbkdf2 = (text: string): Result<StoredHash> => {
  const form =
    /^\$pbkdf2(?:-(sha1|sha256|sha512))?\$(?:i=)?(\d{1,8})(?:,l=\d+)?\$([A-Za-z0-9+/.]+=*)\$([A-Za-z0-9+/.]+=*)$/;
  const parts = form.exec(text);
  if (parts === null) return malformed("is not a PBKDF2 hash in PHC form");
  const derived = derivedOf(parts[3], parts[4]);
  if ("fault" in derived) return derived;
  const iterations = Number(parts[2]);
  if (iterations < 1) return malformed("has no iterations");
  if (iterations > pbkdf2_iterations_max) return tooCostly;
  return { kind: "pbkdf2", digest: (parts[1] ?? "sha1") as "sha1", iterations, ...derived };
};

const tooCostly = malformed("costs more to verify than is allowed");

/** Base64 of PHC, or passlib's, which has `.` for `+`. A hash that is too short would be anybody's. */
const derivedOf = (salt = "", hash = ""): Result<Derived> => {
  const [saltOctets, hashOctets] = [salt, hash].map(octetsOf);
  if (saltOctets === undefined || saltOctets.length < 1 || saltOctets.length > salt_octets_max)
    return malformed(`has no salt, or one of more than ${salt_octets_max} octets`);
  if (hashOctets === undefined || hashOctets.length < hash_octets_min || hashOctets.length > hash_octets_max)
    return malformed(`is not of ${hash_octets_min} to ${hash_octets_max} octets`);
  return { salt: saltOctets, hash: hashOctets };
};

/** Undefined where the text is not exactly what the octets are written as: other readers refuse it, and so must we. */
const octetsOf = (text: string): Buffer | undefined => {
  const plain = text.replaceAll(".", "+").replace(/=+$/, "");
  const octets = Buffer.from(plain, "base64");
  return octets.toString("base64").replace(/=+$/, "") === plain ? octets : undefined;
};
