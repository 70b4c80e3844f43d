/**
 * A passkey's challenge that nobody has to remember: it says until when it is good, and an HMAC says that it is ours, for what use and for
 * whom. That it is used once is for the database to say, when it comes back (`spendChallenge`).
 *
 * `base64url(expiry, ms 6 ‖ random 16 ‖ HMAC-SHA256 32)`; WebAuthn Level 3 §13.4.3 asks for 16 random octets.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { derivedKey } from "../../platform/keys/derive.ts";
import type { SecretKey } from "../../platform/keys/seal.ts";
import { randomOctets } from "../../platform/random.ts";
import type { Human } from "../human.ts";

export const challenge_ttl_seconds = 300;

/** What a challenge is for, and for whom where that is known: one for another use is none. */
export type ChallengeUse =
  | { readonly use: "create"; readonly human: Human }
  | { readonly use: "second factor"; readonly human: Human }
  | { readonly use: "usernameless" };

const expiryOctets = 6;
const randomPart = 16;
const macOctets = 32;

const macOf = (sealKey: SecretKey, body: Buffer, asked: ChallengeUse): Buffer => {
  const whose = asked.use === "usernameless" ? "" : `${asked.human.home}/${asked.human.user}`;
  return createHmac("sha256", derivedKey(sealKey, "passkey challenges"))
    .update(`${asked.use}\n${whose}\n`)
    .update(body)
    .digest();
};

export const newChallenge = (sealKey: SecretKey, asked: ChallengeUse, now: number): Buffer => {
  const body = Buffer.alloc(expiryOctets);
  body.writeUIntBE(now + challenge_ttl_seconds * 1000, 0, expiryOctets);
  const signed = Buffer.concat([body, randomOctets(randomPart)]);
  return Buffer.concat([signed, macOf(sealKey, signed, asked)]);
};

/** When the challenge ends, where it is ours, for this use, and has not ended. */
export const readChallenge = (sealKey: SecretKey, text: string, asked: ChallengeUse, now: number): Date | undefined => {
  const octets = Buffer.from(text, "base64url");
  if (octets.length !== expiryOctets + randomPart + macOctets || octets.toString("base64url") !== text)
    return undefined;
  const body = octets.subarray(0, -macOctets);
  if (!timingSafeEqual(macOf(sealKey, body, asked), octets.subarray(-macOctets))) return undefined;
  const ends = body.readUIntBE(0, expiryOctets);
  return now < ends ? new Date(ends) : undefined;
};
