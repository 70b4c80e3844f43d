/**
 * Hashing and verifying passwords, off the main thread (the pool that libuv keeps) and bounded: as many at once as there are processors
 * for each process, so that hashing never takes all of the pool, and so many waiting. Past that the answer is `unavailable`, at once.
 *
 * Where there is no hash a decoy is verified, so that an unknown address costs what a known one does. Imported hashes cost what they cost,
 * until the first sign-in replaces them (`rehash`).
 */
import { pbkdf2, scrypt, timingSafeEqual } from "node:crypto";
import { availableParallelism } from "node:os";
import { promisify } from "node:util";
import { hash as argon2, verify as verifyArgon2 } from "@node-rs/argon2";
import { verify as verifyBcrypt } from "@node-rs/bcrypt";
import { fault, isFault, type Result } from "../../../core/faults.ts";
import { lowerPoolPriority } from "../../platform/pool-priority.ts";
import { openGate } from "./gate.ts";
import { isTooLong, password_length_max, preparedPassword } from "./password-text.ts";
import { argon2Parameters, readStoredHash, type StoredHash } from "./stored-hash.ts";

/** `rehash`: the password is right, and its hash should be replaced by a new one. */
export type Verified = { readonly matches: boolean; readonly rehash: boolean };

export type PasswordHasher = {
  /** What is stored of the password. Whether it is a good one is `passwordProblems`' to say. */
  hash(text: string): Promise<Result<string>>;
  /** `stored` null where there is no such human, or no password: it takes as long, and never matches. */
  verify(stored: string | null, text: string): Promise<Result<Verified>>;
  /** Turns away who waits and ends when the last one has finished. */
  close(): Promise<void>;
};

/** One of libuv's four threads stays free for everything else that uses them. */
const pool_threads_free = 1;
const pool_threads = 4;
/** At 10 to 30 ms each, the last of those who wait does so for one or two seconds. */
const waiting_per_place = 64;

export type HasherOptions = {
  /** Processes that share this machine's processors with this one, itself included. */
  readonly processes?: number;
  readonly parallel?: number;
  readonly waitingMax?: number;
};

const placesAmong = (processes: number): number =>
  Math.max(1, Math.min(Math.floor(availableParallelism() / processes), pool_threads - pool_threads_free));

export const openPasswordHasher = (options: HasherOptions = {}): PasswordHasher => {
  const parallel = options.parallel ?? placesAmong(options.processes ?? 1);
  const gate = openGate({ parallel, waitingMax: options.waitingMax ?? parallel * waiting_per_place });
  const work = async <T>(hashing: () => Promise<T>): Promise<T> => {
    const done = hashing();
    lowerPoolPriority();
    return done;
  };
  return {
    hash: async (text) =>
      isTooLong(text)
        ? fault("invalid_argument", `a password has ${password_length_max} characters at most`)
        : gate.pass(() => work(() => argon2(preparedPassword(text), argon2Parameters))),
    verify: async (stored, text) => {
      const read = stored === null ? undefined : readStoredHash(stored);
      // What cannot be read any more, as where a bound was lowered, matches nothing.
      const against = read === undefined || isFault(read) || isTooLong(text) ? undefined : read;
      return gate.pass(async () => {
        const matches = await work(() => anyMatches(against ?? decoy, isTooLong(text) ? "" : text));
        return {
          matches: matches && against !== undefined,
          rehash: matches && against !== undefined && !(against.kind === "argon2" && against.ours),
        };
      });
    },
    close: gate.close,
  };
};

/** Made once with our parameters, from octets nobody kept. */
const decoy: StoredHash = {
  kind: "argon2",
  text: "$argon2id$v=19$m=19456,t=2,p=1$ZGVjb3kgb2Ygbm9ib2R5IQ$3sHMbKlmkPl3EjVFvVkmVC3nC0EyN0S0oWJbhPnGdX0",
  ours: true,
};

/** Ours were made from the prepared text. Other systems hashed what was typed, so that is tried where the two differ. */
const anyMatches = async (stored: StoredHash, text: string): Promise<boolean> => {
  const prepared = preparedPassword(text);
  return (await matchesOne(stored, prepared)) || (prepared !== text && (await matchesOne(stored, text)));
};

const matchesOne = (stored: StoredHash, text: string): Promise<boolean> => {
  switch (stored.kind) {
    case "argon2":
      return verifyArgon2(stored.text, text);
    case "bcrypt":
      // It reads 72 octets and stops at a NUL: what follows one was never part of the password.
      return text.includes("\0") ? Promise.resolve(false) : verifyBcrypt(text, stored.text);
    case "scrypt":
      return derivesScrypt(stored, text);
    case "pbkdf2":
      return derivesPbkdf2(stored, text);
  }
};

const pbkdf2Async = promisify(pbkdf2);

const derivesPbkdf2 = async (stored: StoredHash & { kind: "pbkdf2" }, text: string): Promise<boolean> => {
  const { salt, iterations, hash, digest } = stored;
  return timingSafeEqual(await pbkdf2Async(text, salt, iterations, hash.length, digest), hash);
};

const derivesScrypt = ({ salt, hash, cost, r, p }: StoredHash & { kind: "scrypt" }, text: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const maxmem = 2 * 128 * cost * r + 1024 * r * p;
    scrypt(text, salt, hash.length, { N: cost, r, p, maxmem }, (error, derived) =>
      error === null ? resolve(timingSafeEqual(derived, hash)) : reject(error),
    );
  });
