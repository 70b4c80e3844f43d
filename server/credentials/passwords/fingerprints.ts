/**
 * A set of texts as fingerprints, small enough to be shipped: the first 32 bits of each SHA-256, sorted, their differences in Golomb-Rice
 * code, which is near the least that evenly spread numbers can take. A text that is in the set is always found; one that is not, by mistake
 * once in about 2^32 ÷ the set's size.
 */
import { hash } from "node:crypto";

/** Bits of each difference that are written as they are; the rest is unary. Best for about 2^32 ÷ 2^15 texts. */
const plainBits = 15;

export const fingerprint = (text: string): number => Number.parseInt(hash("sha256", text, "hex").slice(0, 8), 16);

/** Base64, in lines. */
export const packFingerprints = (texts: Iterable<string>): string => {
  const sorted = [...new Set(Array.from(texts, fingerprint))].toSorted((one, other) => one - other);
  const bits: number[] = [];
  let before = 0;
  for (const one of sorted) {
    const difference = one - before;
    before = one;
    for (let unary = Math.floor(difference / 2 ** plainBits); unary > 0; unary -= 1) bits.push(1);
    bits.push(0);
    for (let at = plainBits - 1; at >= 0; at -= 1) bits.push((difference >>> at) & 1);
  }
  const head = Buffer.alloc(4);
  head.writeUInt32BE(sorted.length);
  const body = Buffer.alloc(Math.ceil(bits.length / 8));
  for (const [at, bit] of bits.entries()) body[at >> 3] = (body[at >> 3] ?? 0) | (bit << (7 - (at & 7)));
  const text = Buffer.concat([head, body]).toString("base64");
  return `${text.match(/.{1,160}/g)?.join("\n") ?? ""}\n`;
};

export const unpackFingerprints = (packed: string): Uint32Array => {
  const octets = Buffer.from(packed, "base64");
  const found = new Uint32Array(octets.readUInt32BE(0));
  let at = 32;
  const bit = (): number => {
    const read = ((octets[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;
    at += 1;
    return read;
  };
  let before = 0;
  for (let index = 0; index < found.length; index += 1) {
    let high = 0;
    while (bit() === 1) high += 1;
    let low = 0;
    for (let left = plainBits; left > 0; left -= 1) low = (low << 1) | bit();
    before += high * 2 ** plainBits + low;
    found[index] = before;
  }
  return found;
};

/** Whether the text is in the set that was packed. */
export const hasFingerprint = (sorted: Uint32Array, text: string): boolean => {
  const wanted = fingerprint(text);
  let low = 0;
  let high = sorted.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const there = sorted[middle] ?? 0;
    if (there === wanted) return true;
    if (there < wanted) low = middle + 1;
    else high = middle - 1;
  }
  return false;
};
