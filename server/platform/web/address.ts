/**
 * Who called, in the eyes of the proxies that are trusted. `X-Forwarded-For` is believed as far as it was written by proxies named in
 * the settings: from the right, the first address that is none of them. Anybody may write what stands further left, and it is not read.
 *
 * What cannot be read as an address fails closed: the request counts as the proxy's own, together with all others of the kind.
 */
import type { IncomingMessage } from "node:http";
import ipaddr from "ipaddr.js";

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = readonly [Address, number];

/** Hops that are looked at, from the right. */
const hopsMax = 20;
/** One customer's share of IPv6: whoever has it has all addresses in it. */
const ipv6ClassBits = 64;

/** Strictly: no octal, no short forms, no zone, and an IPv4 address in IPv6's clothes as what it is. */
const readAddress = (text: string): Address | undefined => {
  if (text.includes("%")) return undefined;
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  return ipaddr.IPv6.isValid(text) ? ipaddr.process(text) : undefined;
};

/** An address, or a range such as `10.0.0.0/8`; undefined where the text is neither. */
export const readRange = (text: string): Range | undefined => {
  const [address = "", bits, ...rest] = text.split("/");
  const parsed = readAddress(address);
  if (parsed === undefined || rest.length > 0) return undefined;
  const most = parsed.kind() === "ipv4" ? 32 : 128;
  if (bits === undefined) return [parsed, most];
  return /^\d{1,3}$/.test(bits) && Number(bits) <= most ? [parsed, Number(bits)] : undefined;
};

const isWithin = (address: Address, [network, bits]: Range): boolean =>
  address.kind() === network.kind() && address.match(network, bits);

/** `trusted` are addresses and CIDR ranges. Throws where one of them is neither. */
export const addressReader = (
  trusted: readonly string[],
): ((request: Pick<IncomingMessage, "headers" | "socket">) => string) => {
  const ranges = trusted.map((text) => {
    const range = readRange(text);
    if (range === undefined) throw new Error(`\`${text}\` is neither an address nor a range of addresses`);
    return range;
  });
  const isTrusted = (address: Address): boolean => ranges.some((range) => isWithin(address, range));

  return (request) => {
    const peerText = request.socket.remoteAddress ?? "";
    const peer = readAddress(peerText);
    if (peer === undefined) return peerText;
    const forwarded = request.headers["x-forwarded-for"];
    if (forwarded === undefined || !isTrusted(peer)) return peer.toString();
    const hops = String(forwarded).split(",").slice(-hopsMax);
    let nearest = peer;
    for (const hop of hops.toReversed()) {
      const address = readAddress(hop.trim());
      if (address === undefined) return peer.toString();
      nearest = address;
      if (!isTrusted(address)) break;
    }
    return nearest.toString();
  };
};

/** What counts as one place: an IPv4 address, or an IPv6 network of the size one customer has. */
export const addressClass = (text: string): string => {
  const address = readAddress(text);
  if (address === undefined || address.kind() === "ipv4") return text;
  const octets = address.toByteArray().fill(0, ipv6ClassBits / 8);
  return `${ipaddr.fromByteArray(octets).toString()}/${ipv6ClassBits}`;
};
