/** All SQL of the signing keys. They belong to the host and have no tenant. */
import type { JWK } from "jose";
import type { Tx } from "../platform/database/database.ts";

export type StoredKey = {
  readonly kid: string;
  readonly alg: "RS256" | "ES256" | "PS256" | "EdDSA";
  readonly public_jwk: JWK;
  readonly private_sealed: Buffer;
  readonly create_time: Date;
  readonly sign_from: Date;
  readonly verify_until: Date | null;
};

type Tables = { signing_keys: StoredKey };

export const readKeys = async (tx: Tx): Promise<readonly StoredKey[]> =>
  tx
    .kysely<Tables>()
    .selectFrom("signing_keys")
    .select(["kid", "alg", "public_jwk", "private_sealed", "create_time", "sign_from", "verify_until"])
    .orderBy("sign_from")
    .execute();

/** Held until the transaction ends: one process at a time decides that a new key is due. */
export const lockKeys = async (tx: Tx): Promise<void> => {
  await tx.query("signing_keys.lock", "select pg_advisory_xact_lock(hashtext('countersign.signing_keys'))", []);
};

/** The keys of one algorithm that have a successor now. */
export const setVerifyUntil = async (tx: Tx, alg: StoredKey["alg"], until: Date): Promise<void> => {
  await tx
    .kysely<Tables>()
    .updateTable("signing_keys")
    .set({ verify_until: until })
    .where("alg", "=", alg)
    .where("verify_until", "is", null)
    .execute();
};

export const insertKey = async (tx: Tx, key: StoredKey): Promise<void> => {
  await tx
    .kysely<Tables>()
    .insertInto("signing_keys")
    .values({ ...key, public_jwk: JSON.stringify(key.public_jwk) as never })
    .execute();
};
