/**
 * Envelope encryption for what must be read back (invariant 5): each sealed value has a data key of its own, which the deployment's
 * secret key wraps. Both layers are AES-256-GCM and carry, as additional data, the name of the row they belong to: a value moved to
 * another row, or opened with another deployment's key, fails.
 *
 * Layout: version (1 octet) ‖ wrapped data key (12 nonce + 32 + 16 tag) ‖ nonce (12) ‖ ciphertext ‖ tag (16).
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { randomOctets } from "../random.ts";

const layoutVersion = 1;
const nonceOctets = 12;
const tagOctets = 16;
const keyOctets = 32;
const wrappedOctets = nonceOctets + keyOctets + tagOctets;

export type SecretKey = { readonly octets: Buffer };

export class SealBroken extends Error {}

/** Reads 32 bytes written as base64, base64url or hex; undefined when it is anything else. */
export const readSecretKey = (text: string): SecretKey | undefined => {
  const octets = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, "hex") : Buffer.from(text, "base64");
  return octets.length === keyOctets ? { octets } : undefined;
};

const encrypt = (key: Buffer, plain: Buffer, row: string): Buffer => {
  const nonce = randomOctets(nonceOctets);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(row));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
};

const decrypt = (key: Buffer, box: Buffer, row: string): Buffer => {
  const decipher = createDecipheriv("aes-256-gcm", key, box.subarray(0, nonceOctets), { authTagLength: tagOctets })
    .setAAD(Buffer.from(row))
    .setAuthTag(box.subarray(-tagOctets));
  return Buffer.concat([decipher.update(box.subarray(nonceOctets, -tagOctets)), decipher.final()]);
};

/** Seals `plain` for the row named `row` (e.g. `signing_keys/kid`). */
export const seal = (key: SecretKey, row: string, plain: Buffer): Buffer => {
  const dataKey = randomOctets(keyOctets);
  return Buffer.concat([Buffer.from([layoutVersion]), encrypt(key.octets, dataKey, row), encrypt(dataKey, plain, row)]);
};

/** Opens what `seal` closed for the same row under the same key; throws SealBroken otherwise. */
export const unseal = (key: SecretKey, row: string, box: Buffer): Buffer => {
  try {
    if (box[0] !== layoutVersion) throw new Error("unknown layout");
    const dataKey = decrypt(key.octets, box.subarray(1, 1 + wrappedOctets), row);
    return decrypt(dataKey, box.subarray(1 + wrappedOctets), row);
  } catch (cause) {
    throw new SealBroken(`what is stored in ${row} cannot be opened with this secret key`, { cause });
  }
};
