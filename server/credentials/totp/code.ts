/** Time-based one-time passwords (RFC 6238 over RFC 4226), as every authenticator app has them: SHA-1, six digits, 30 seconds. */
import { createHmac, timingSafeEqual } from "node:crypto";

export const digits = 6;
export const step_seconds = 30;
/** A clock may be one step off, and a code typed as the step ends is still taken (RFC 6238 §5.2). */
const steps_around = 1;

export const stepAt = (now: number): number => Math.floor(now / 1000 / step_seconds);

/** RFC 4226 §5.3. */
export const codeAt = (seed: Buffer, step: number, length = digits): string => {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", seed).update(counter).digest();
  const offset = mac.readUInt8(mac.length - 1) & 0xf;
  const number = (mac.readUInt32BE(offset) & 0x7fff_ffff) % 10 ** length;
  return String(number).padStart(length, "0");
};

/** The digits of what was typed: apps show them in groups. Undefined where it is no code. */
export const readCode = (text: string): string | undefined => {
  const code = text.slice(0, 4 * digits).replaceAll(/[\s-]/g, "");
  return /^\d{6}$/.test(code) ? code : undefined;
};

/** The steps around now that this is the code of, oldest first. All are computed, and compared in constant time. */
export const stepsOf = (seed: Buffer, code: string, now: number): readonly number[] => {
  const around = Array.from({ length: 2 * steps_around + 1 }, (_, at) => stepAt(now) - steps_around + at);
  return around.filter((step) => timingSafeEqual(Buffer.from(codeAt(seed, step)), Buffer.from(code)));
};

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** RFC 4648 §6, unpadded: what a person can type into an app that has no camera. */
export const base32 = (octets: Buffer): string => {
  const bits = Array.from(octets, (octet) => octet.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{1,5}/g) ?? []).map((five) => alphabet[Number.parseInt(five.padEnd(5, "0"), 2)]).join("");
};

/** The key URI that apps read from the QR code. A colon would end the issuer's name. */
export const keyUri = (seed: Buffer, issuerName: string, accountName: string): string => {
  const issuer = issuerName.replaceAll(":", " ");
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(accountName.replaceAll(":", " "))}`;
  return `otpauth://totp/${label}?secret=${base32(seed)}&issuer=${encodeURIComponent(issuer)}&algorithm=SHA1&digits=${digits}&period=${step_seconds}`;
};
